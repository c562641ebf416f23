import CCurl

extension EasyHandle {
  /// Lends libcurl the transfer for the length of one `curl_easy_perform`.
  func connect(to transfer: Transfer) {
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    for option in [
      CURLOPT_READDATA, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_SEEKDATA,
      CURLOPT_XFERINFODATA, CURLOPT_PREREQDATA,
    ] { set(option, pointer: context) }
    _ = ccurl_set_start(curl, startCallback)
    _ = ccurl_set_stream(curl, CURLOPT_READFUNCTION, readCallback)
    _ = ccurl_set_stream(curl, CURLOPT_HEADERFUNCTION, headerCallback)
    _ = ccurl_set_stream(curl, CURLOPT_WRITEFUNCTION, bodyCallback)
    _ = ccurl_set_seek(curl) { _, _, _ in CURL_SEEKFUNC_FAIL }
    _ = ccurl_set_progress(curl, progressCallback)
    set(CURLOPT_NOPROGRESS, 0)
  }
}

private func transfer(_ context: UnsafeMutableRawPointer) -> Transfer {
  Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}

private let startCallback: curl_prereq_callback = { context, _, _, _, _ in
  guard let context else { return CURL_PREREQFUNC_ABORT }
  return transfer(context).mayStart() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

private let readCallback: curl_write_callback = { buffer, size, count, context in
  guard let buffer, let context else { return Int(CURL_READFUNC_ABORT) }
  return transfer(context).read(
    into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
}

private let headerCallback: curl_write_callback = { buffer, size, count, context in
  guard let buffer, let context else { return 0 }
  let line = UnsafeRawBufferPointer(start: buffer, count: size * count)
  return transfer(context).take(headerLine: line) ? line.count : 0
}

private let bodyCallback: curl_write_callback = { buffer, size, count, context in
  guard let buffer, let context else { return 0 }
  let piece = UnsafeRawBufferPointer(start: buffer, count: size * count)
  return transfer(context).take(bodyBytes: piece) ? piece.count : 0
}

private let progressCallback: curl_xferinfo_callback = { context, _, _, _, sent in
  guard let context else { return 1 }
  return transfer(context).mayContinue(sent: Int(sent)) ? 0 : 1
}
