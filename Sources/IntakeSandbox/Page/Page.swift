import IntakeCore

/// What the pages share: frame, style, and the header fields that keep received content from running.
enum Page {
  /// Nothing runs, nothing is loaded from elsewhere, nothing may frame the page.
  static let policy = [
    HTTPField(
      "Content-Security-Policy",
      "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"),
    HTTPField("X-Content-Type-Options", "nosniff"),
    HTTPField("Referrer-Policy", "no-referrer"),
    HTTPField("Cache-Control", "no-store"),
  ]

  static func answer(_ status: Int = 200, title: String, _ content: HTML) -> Answer {
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(title) – sandbox</title>
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <link rel="stylesheet" href="/admin/style.css"></head>
      <body><header><div><b><a href="/">Sandbox</a></b>
      <span>local emulator of DCAMS Storage and Noah; nothing here has left this machine</span>
      </div></header><main>\(content)</main></body></html>
      """
    return .html(status, page.text).with(policy)
  }

  static func notFound(_ sentence: String) -> Answer {
    answer(404, title: "Not found", "<h1>Not found</h1><p>\(sentence)</p>")
  }

  static func badge(_ status: String) -> HTML {
    let kinds = [
      "PASS": "pass", "Approved": "pass", "PENDING": "pending", "Pending": "pending",
      "FAIL": "fail", "Declined": "fail",
    ]
    return "<span class=\"badge \(kinds[status] ?? "")\">\(status)</span>"
  }

  static func grouped(_ number: Int) -> String {
    guard number >= 1000 else { return String(number) }
    return grouped(number / 1000) + "," + String(1000 + number % 1000).dropFirst()
  }
}

/// Markup in which every value put in is escaped unless it is markup itself.
struct HTML: ExpressibleByStringInterpolation, Sendable {
  let text: String

  init(stringLiteral value: String) { text = value }
  init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

  init(joining pieces: some Sequence<HTML>) { text = pieces.map(\.text).joined() }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ value: String) { text += HTML.escaped(value) }
    mutating func appendInterpolation(_ value: Int) { text += String(value) }
    mutating func appendInterpolation(_ markup: HTML) { text += markup.text }
  }

  /// Text that no browser takes for markup, also inside quoted attributes; control characters become visible.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\u{0}"..."\u{8}", "\u{B}"..."\u{1F}", "\u{7F}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
