import IntakeCore

/// Everything that is shown to people: the list, each customer, the images, the style sheet.
struct Pages {
  let store: CustomerStore

  /// The most customers on one page of the list.
  private static let pageSize = 200

  /// Answers a request for a page; nil for addresses that are none.
  func answer(to head: RequestHead) -> Answer? {
    switch head.path {
    case "/": return list(from: head.parameter("before").flatMap { Int($0) })
    case "/admin/style.css":
      let type = HTTPField("Content-Type", "text/css; charset=utf-8")
      return Answer(200, [type] + Page.policy, body: Array(PageStyle.css.utf8))
    case "/admin/customers.php": return customer(head.parameter("id"))
    default: return image(head.path)
    }
  }

  private func customer(_ number: String?) -> Answer {
    guard let customer = number.flatMap({ Int($0) }).flatMap(store.customer(number:)) else {
      return missing("There is no customer with this number in this sandbox.")
    }
    return CustomerPage(store: store).answer(for: customer)
  }

  private func missing(_ sentence: String) -> Answer {
    Page.answer(404, title: "Not found", "<h1>Not found</h1><p>\(sentence)</p>")
  }

  /// `/admin/images/<number>/<side>`: the bytes as they arrived.
  private func image(_ path: String) -> Answer? {
    let parts = path.split(separator: "/")
    guard parts.count == 4, parts[0] == "admin", parts[1] == "images" else { return nil }
    guard let customer = Int(parts[2]).flatMap(store.customer(number:)),
      let side = Side(rawValue: String(parts[3])), let image = customer.images[side],
      let bytes = store.bytes(of: side, of: customer)
    else { return missing("There is no such image, or its bytes were dropped to save memory.") }
    let type = HTTPField("Content-Type", image.mediaType)
    return Answer(200, [type] + Page.policy, body: bytes)
  }

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
    <td>\(customer.reference?.text ?? "")</td><td>\(Page.badge(customer.status))</td>\
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
