import IntakeCore

/// What a manifest is, told by its first bytes; the name of its file is not trusted.
enum ManifestContent: Equatable {
  case csv
  case jsonLines
  /// Something else; what it is and what to do.
  case other(String, hint: String)
  case empty

  /// Recognises the start of a manifest, after its byte order mark.
  init(_ bytes: ArraySlice<UInt8>) {
    if let other = ManifestContent.foreign(bytes) {
      self = other
      return
    }
    switch bytes.first(where: { !isSpace($0) }) {
    case nil: self = .empty
    case UInt8(ascii: "{"): self = .jsonLines
    case UInt8(ascii: "["):
      self = .other("a JSON list", hint: "write one object a line: `jq -c '.[]' FILE`")
    default: self = .csv
    }
  }

  private static func foreign(_ bytes: ArraySlice<UInt8>) -> ManifestContent? {
    for (magic, name, hint) in signatures where bytes.starts(with: magic) {
      return .other(name, hint: hint)
    }
    if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return archive(bytes) }
    // Text in UTF-16 or UTF-32 without a mark has NULs among its first letters.
    if bytes.prefix(4).contains(0) { return .other("no UTF-8 text", hint: asUTF8) }
    let text = String(decoding: bytes.prefix(64), as: UTF8.self).lowercased()
    if ["<!doctype", "<html", "<?xml"].contains(where: text.hasPrefix) {
      return .other("a web page or XML file", hint: asUTF8)
    }
    return nil
  }

  private static func archive(_ bytes: ArraySlice<UInt8>) -> ManifestContent {
    // The first entry's name stands at byte 30 of a zip archive; every program begins with another one.
    let names = [
      "[Content_Types].xml", "xl/", "_rels/", "docProps/",
      "mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
    ].map { Array($0.utf8) }
    let isWorkbook = names.contains { bytes.dropFirst(30).starts(with: $0) }
    return isWorkbook
      ? .other("an Excel workbook or another spreadsheet", hint: exported)
      : .other("a zip archive", hint: "unpack it and name the manifest inside")
  }

  private static let exported = "export the sheet as CSV UTF-8 and name that file"
  private static let asUTF8 = "save it as CSV UTF-8"
  private static let isScan = "name the manifest that lists the scans"
  private static let isPacked = "unpack it first: `zcat FILE | docintake run -`"

  private static let signatures: [([UInt8], String, String)] = [
    ([0xFF, 0xFE, 0x00, 0x00], "a text in UTF-32", asUTF8),
    ([0x00, 0x00, 0xFE, 0xFF], "a text in UTF-32", asUTF8),
    ([0xFF, 0xFE], "a text in UTF-16", asUTF8),
    ([0xFE, 0xFF], "a text in UTF-16", asUTF8),
    ([0xD0, 0xCF, 0x11, 0xE0], "an Excel workbook of the old kind", exported),
    (Array("%PDF".utf8), "a PDF file", isScan),
    ([0xFF, 0xD8, 0xFF], "a JPEG image", isScan),
    ([0x89, 0x50, 0x4E, 0x47], "a PNG image", isScan),
    (Array("GIF8".utf8), "a GIF image", isScan),
    (Array("II*\u{0}".utf8), "a TIFF image", isScan),
    (Array("MM\u{0}*".utf8), "a TIFF image", isScan),
    ([0x1F, 0x8B], "a gzip file", isPacked),
    ([0x28, 0xB5, 0x2F, 0xFD], "a zstd file", "unpack it first"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz file", "unpack it first"),
    (Array("SQLite format 3".utf8), "an SQLite database", asUTF8),
    (Array("PAR1".utf8), "a Parquet file", asUTF8),
    (Array("{\\rtf".utf8), "a rich text document", asUTF8),
  ]
}
