import IntakeCore

/// The page behind `customer_link`: what arrived for one customer.
struct CustomerPage {
  let store: CustomerStore

  /// The page of a customer.
  func answer(for customer: Customer) -> Answer {
    let scans = HTML(joining: Side.allCases.map { scan($0, customer) })
    let content: HTML = """
      <h1>\(customer.key)</h1>
      <p>\(Page.badge(customer.status)) &nbsp; \(customer.origin.rawValue) customer \
      \(customer.number)</p>
      <div class="scans">\(scans)</div>
      \(reduced(customer))<section><h2>Fields</h2><table class="keyed">\(fields(customer))</table></section>
      <section><h2>History</h2><table class="keyed">\(history(customer))</table></section>
      """
    return Page.answer(title: "Customer \(customer.number)", content)
  }

  private func reduced(_ customer: Customer) -> HTML {
    customer.isReduced
      ? "<p>Fields and images were dropped to save memory: newer customers took their place.</p>"
      : ""
  }

  private func fields(_ customer: Customer) -> HTML {
    var rows: [CustomerField] = []
    if let reference = customer.reference {
      rows.append(CustomerField(name: "reference", value: reference.text))
    }
    rows += customer.fields
    return HTML(joining: rows.map { "<tr><th>\($0.name)</th><td>\($0.value)</td></tr>" })
  }

  private func history(_ customer: Customer) -> HTML {
    HTML(
      joining: customer.events.reversed().map {
        "<tr><th>\($0.time.readable)</th><td>\($0.text)</td></tr>"
      })
  }

  private func scan(_ side: Side, _ customer: Customer) -> HTML {
    guard let image = customer.images[side] else {
      return """
        <section><h2>\(side.rawValue)</h2><div class="none">nothing arrived</div></section>
        """
    }
    return """
      <section><h2>\(side.rawValue)</h2>\(picture(image, side, customer))
      <p class="facts">\(CustomerPage.facts(image, customer.origin))<code>SHA-256 \(image.sha256)</code></p>
      </section>
      """
  }

  private func picture(_ image: StoredImage, _ side: Side, _ customer: Customer) -> HTML {
    guard image.format != nil else {
      return "<div class=\"none\">neither a JPEG nor a PNG</div>"
    }
    guard store.bytes(of: side, of: customer) != nil else {
      return "<div class=\"none\">dropped from memory; newer images took its place</div>"
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
