import CCurl

/// libcurl's callbacks, each handed on to the exchange that it is about.
extension Transfer {
  static let startCallback: curl_prereq_callback = { context, _, _, _, _ in
    guard let context else { return CURL_PREREQFUNC_ABORT }
    return transfer(context).mayStart() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
  }

  static let readCallback: curl_write_callback = { buffer, size, count, context in
    guard let buffer, let context else { return Int(CURL_READFUNC_ABORT) }
    return transfer(context).read(
      into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
      ?? Int(CURL_READFUNC_ABORT)
  }

  static let headerCallback: curl_write_callback = { buffer, size, count, context in
    guard let buffer, let context else { return 0 }
    let line = UnsafeRawBufferPointer(start: buffer, count: size * count)
    return transfer(context).take(headerLine: line) ? line.count : 0
  }

  static let bodyCallback: curl_write_callback = { buffer, size, count, context in
    guard let buffer, let context else { return 0 }
    let piece = UnsafeRawBufferPointer(start: buffer, count: size * count)
    return transfer(context).take(bodyBytes: piece) ? piece.count : 0
  }

  static let progressCallback: curl_xferinfo_callback = { context, _, _, _, sent in
    guard let context else { return 1 }
    return transfer(context).mayContinue(sent: Int(sent)) ? 0 : 1
  }
}

private func transfer(_ context: UnsafeMutableRawPointer) -> Transfer {
  Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}
