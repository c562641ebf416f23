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

  /// Collects literal markup as it is and values escaped.
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

/// The pages' style sheet, served from its own address so that the policy can forbid inline styles.
enum PageStyle {
  static let css = """
    :root { color-scheme: light dark; --ink: #1c2430; --dim: #667085; --line: #e3e7ee;
      --paper: #ffffff; --ground: #f4f6f9; --link: #1d4ed8;
      --pass: #12805c; --pending: #a15c07; --fail: #c0262d; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --dim: #98a2b3;
      --line: #2c3442; --paper: #171c25; --ground: #0f131a; --link: #8ab4ff;
      --pass: #4ade9f; --pending: #f5b860; --fail: #ff8a8a; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink);
      font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
    header { background: var(--paper); border-bottom: 1px solid var(--line); }
    header div, main { max-width: 1180px; margin: 0 auto; padding: 16px 24px; }
    header div { display: flex; gap: 16px; align-items: baseline; flex-wrap: wrap; }
    header b { font-size: 17px; } header span { color: var(--dim); }
    a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
    h1 { font-size: 24px; margin: 8px 0 4px; overflow-wrap: anywhere; }
    h2 { font-size: 13px; margin: 0 0 12px; color: var(--dim); text-transform: uppercase;
      letter-spacing: .06em; }
    section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
      padding: 18px 20px; margin: 16px 0; }
    table { border-collapse: collapse; width: 100%; }
    th, td { text-align: left; padding: 7px 12px 7px 0; border-top: 1px solid var(--line);
      vertical-align: top; overflow-wrap: anywhere; }
    tr:first-child > * { border-top: 0; }
    .keyed th { width: 240px; } .list td { white-space: nowrap; }
    .list td.wide { white-space: normal; width: 40%; min-width: 15em; }
    th { color: var(--dim); font-weight: 500; white-space: nowrap; }
    .scans { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); }
    .scans section { margin: 0; }
    .scans img { display: block; width: 100%; height: 300px; object-fit: contain;
      background: var(--ground); border: 1px solid var(--line); border-radius: 6px; }
    .none { display: grid; place-items: center; height: 300px; color: var(--dim);
      background: var(--ground); border: 1px dashed var(--line); border-radius: 6px; }
    .facts { color: var(--dim); margin: 10px 0 0; }
    .facts b { color: var(--ink); font-weight: 600; }
    .facts code { display: block; margin-top: 2px; }
    code { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
    .badge { display: inline-block; padding: 1px 10px; border-radius: 99px; font-weight: 600;
      font-size: 13px; border: 1px solid currentColor; color: var(--dim); }
    .pass { color: var(--pass); } .pending { color: var(--pending); } .fail { color: var(--fail); }
    .number { text-align: right; font-variant-numeric: tabular-nums; }
    """
}
