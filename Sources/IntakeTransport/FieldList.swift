import CCurl
import IntakeCore

/// The header fields of a request in libcurl's form; freed with the last reference.
final class FieldList {
  private(set) var list: UnsafeMutablePointer<curl_slist>?

  /// - Throws: `NotSent` for a field that would break the header apart, or when memory is short.
  init(_ fields: [HTTPField], expecting: Bool) throws(NotSent) {
    var lines = fields.map { $0.value.isEmpty ? $0.name + ";" : $0.name + ": " + $0.value }
    // Without a value libcurl leaves a field out: it must add neither Expect nor a form's type by itself.
    lines.append(expecting ? "Expect: 100-continue" : "Expect:")
    // An absent field allows every encoding (RFC 9110 §12.5.3). CURLOPT_ACCEPT_ENCODING, which unpacks what comes
    // packed all the same, writes no field of its own beside this one.
    lines.append("Accept-Encoding: identity")
    if !fields.contains(where: { $0.name.lowercased() == "content-type" }) {
      lines.append("Content-Type:")
    }
    for line in lines {
      guard line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw NotSent(reason: .invalid, detail: "a header field holds a line break")
      }
      // The list so far stays valid when nothing can be added to it; a request without a field is another request.
      guard let longer = curl_slist_append(list, line) else {
        throw NotSent(reason: .unreachable, detail: "no memory left for the header")
      }
      list = longer
    }
  }

  deinit { curl_slist_free_all(list) }
}
