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

  /// A page in the common frame.
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
    let type = HTTPField("Content-Type", "text/html; charset=utf-8")
    return Answer(status, [type] + policy, body: Array(page.text.utf8))
  }

  /// A status in its colour.
  static func badge(_ status: String) -> HTML {
    let kinds = [
      "PASS": "pass", "Approved": "pass", "PENDING": "pending", "Pending": "pending",
      "FAIL": "fail", "Declined": "fail",
    ]
    return "<span class=\"badge \(kinds[status] ?? "")\">\(status)</span>"
  }

  /// A number with its thousands apart.
  static func grouped(_ number: Int) -> String {
    var digits = String(number)
    var place = digits.utf8.count - 3
    while place > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: place))
      place -= 3
    }
    return digits
  }
}
