import IntakeCore

/// Everything that is shown to people: the list, each customer, the images, the style sheet.
struct Pages {
  let store: CustomerStore

  private static let pageSize = 200

  /// Answers a request for a page; nil if the address isn't one.
  func answer(to head: RequestHead) -> Answer? {
    switch head.path {
    case "/": return list(from: head.parameter("before").flatMap { Int($0) })
    case "/admin/style.css":
      // A separate file, so that the policy can forbid inline styles.
      let type = HTTPField("Content-Type", "text/css; charset=utf-8")
      return Answer(200, [type] + Page.policy, body: PackageResources.style_css)
    case "/admin/customers.php": return customer(head.parameter("id"))
    default: return image(head.path)
    }
  }

  private func customer(_ number: String?) -> Answer {
    guard let customer = number.flatMap({ Int($0) }).flatMap(store.customer(number:)) else {
      return Page.notFound("There is no customer with this number in this sandbox.")
    }
    return page(of: customer)
  }

  /// `/admin/images/<number>/<side>`: the bytes as they arrived.
  private func image(_ path: String) -> Answer? {
    let parts = path.split(separator: "/")
    guard parts.count == 4, parts[0] == "admin", parts[1] == "images" else { return nil }
    guard let customer = Int(parts[2]).flatMap(store.customer(number:)),
      let side = Side(rawValue: String(parts[3]))
    else { return Page.notFound("There is no such image.") }
    guard !store.hasDropped(side, of: customer) else {
      return Page.answer(410, title: "Gone", "<h1>Gone</h1><p>\(Pages.dropped)</p>")
    }
    guard let image = customer.images[side], let bytes = store.bytes(of: side, of: customer) else {
      return Page.notFound("No such image arrived.")
    }
    return Answer(200, [HTTPField("Content-Type", image.mediaType)] + Page.policy, body: bytes)
  }

  private static let dropped: HTML =
    "The sandbox no longer keeps this image: newer ones took its place."

  private func list(from before: Int?) -> Answer {
    let all = store.all
    let known = before.map { limit in all.prefix { $0.number < limit } } ?? all[...]
    let shown = known.suffix(Pages.pageSize).reversed()
    let rows = HTML(joining: shown.map(row))
    let older: HTML =
      known.count > shown.count
      ? "<p><a href=\"/?before=\(shown.last?.number ?? 0)\">older customers</a></p>" : ""
    let none: HTML = "<p>No customer yet. The latest will stand first.</p>"
    let table: HTML = """
      <table class="list"><tr><th>Number</th><th>API</th><th>Customer</th><th>Reference</th><th>Status</th>\
      <th>Front</th><th>Back</th><th>First stored</th></tr>\(rows)</table>
      """
    return Page.answer(
      title: "Customers",
      "<h1>Customers</h1><p>\(Page.grouped(all.count)) stored</p><section>\(all.isEmpty ? none : table)</section>\(older)"
    )
  }

  private func row(_ customer: Customer) -> HTML {
    """
    <tr><td><a href="/admin/customers.php?a=edit&amp;id=\(customer.number)">\(customer.number)</a>\
    </td><td>\(customer.origin.rawValue)</td><td class="wide">\(customer.key)</td>\
    <td>\(customer.reference?.scalar ?? "")</td><td>\(Page.badge(customer.status))</td>\
    <td>\(brief(customer.images[.front]))</td><td>\(brief(customer.images[.back]))</td>\
    <td>\(customer.created.readable)</td></tr>
    """
  }

  private func brief(_ image: StoredImage?) -> String {
    guard let image else { return "–" }
    let size = image.size.map { "\($0.width) × \($0.height), " } ?? ""
    return size + Page.grouped((image.byteCount + 999) / 1000) + "\u{A0}KB"
  }
}

/// The page behind `customer_link`: what arrived for one customer.
extension Pages {
  private func page(of customer: Customer) -> Answer {
    let scans = HTML(joining: Side.allCases.map { scan($0, customer) })
    let reduced: HTML =
      customer.isReduced
      ? "<p>Fields and images were dropped to save memory: newer customers took their place.</p>"
      : ""
    let reference = customer.reference?.scalar.map { [(name: "reference", value: $0)] } ?? []
    let fields = reference + customer.fields
    let history = customer.events.reversed().map { ($0.time.readable, $0.text) }
    let content: HTML = """
      <h1>\(customer.key)</h1>
      <p>\(Page.badge(customer.status)) &nbsp; \(customer.origin.rawValue) customer \
      \(customer.number)</p>
      <div class="scans">\(scans)</div>
      \(reduced)<section><h2>Fields</h2>\(keyed(fields))</section>
      <section><h2>History</h2>\(keyed(history))</section>
      """
    return Page.answer(title: "Customer \(customer.number)", content)
  }

  private func keyed(_ rows: [(String, String)]) -> HTML {
    let rows = HTML(joining: rows.map { "<tr><th>\($0)</th><td>\($1)</td></tr>" })
    return "<table class=\"keyed\">\(rows)</table>"
  }

  private func scan(_ side: Side, _ customer: Customer) -> HTML {
    guard let image = customer.images[side] else {
      let reason: HTML = customer.isReduced ? Pages.dropped : "nothing arrived"
      return "<section><h2>\(side.rawValue)</h2><div class=\"none\">\(reason)</div></section>"
    }
    return """
      <section><h2>\(side.rawValue)</h2>\(picture(image, side, customer))
      <p class="facts">\(Pages.facts(image, customer.origin))<code>SHA-256 \(image.sha256)</code></p>
      </section>
      """
  }

  private func picture(_ image: StoredImage, _ side: Side, _ customer: Customer) -> HTML {
    guard image.format != nil else { return "<div class=\"none\">neither a JPEG nor a PNG</div>" }
    guard store.bytes(of: side, of: customer) != nil else {
      return "<div class=\"none\">\(Pages.dropped)</div>"
    }
    let address = "/admin/images/\(customer.number)/\(side.rawValue)"
    return "<a href=\"\(address)\"><img src=\"\(address)\" alt=\"\(side.rawValue)\"></a>"
  }

  private static func facts(_ image: StoredImage, _ origin: Customer.Origin) -> HTML {
    let format = image.format.map { $0.rawValue.uppercased() } ?? "unknown format"
    let size = image.size.map { "\($0.width) × \($0.height) px" } ?? "size unknown"
    let way =
      image.prefix.map { "sent behind a data: prefix (\($0))" }
      ?? (origin == .dcams ? "sent as raw base64" : "uploaded as it is")
    return
      "<b>\(format)</b> · <b>\(size)</b> · <b>\(Page.grouped(image.byteCount)) bytes</b> · \(way)"
  }
}

/// What the pages share: frame, style, and the header fields that stop received content from running.
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
    var answer = Answer.html(status, page.text)
    answer.headers += policy
    return answer
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

/// Markup; values that are put in are escaped unless they are markup themselves.
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

  /// Text that no browser takes for markup, even inside quoted attributes; control characters become visible.
  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
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
  }
}
