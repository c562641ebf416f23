import IntakeCore

/// A web page in place of an answer: from a proxy, load balancer or firewall in front of the target.
///
/// What it says is not about the row.
struct GatewayPage {
  /// Who wrote it, if the page gives it away.
  let author: Author?
  private let text: String

  /// Somebody who writes such pages.
  struct Author {
    let name: String
    /// Words of its pages in lower case.
    let marks: [String]
    /// Whether its own 503 says that a request was turned away unprocessed.
    ///
    /// Such authors send it over a rate or a number of connections, or without a server; once they have passed something
    /// on, they answer 502 or 504.
    var turnsAwayWith503 = false
  }

  private static let authors = [
    Author(name: "openresty", marks: ["<center>openresty"], turnsAwayWith503: true),
    Author(name: "nginx", marks: ["<center>nginx"], turnsAwayWith503: true),
    Author(name: "the AWS load balancer", marks: ["<center>awselb"], turnsAwayWith503: true),
    // It never names itself but has its own sentences.
    Author(
      name: "HAProxy",
      marks: [
        "no server is available to handle this request",
        "request forbidden by administrative rules",
        "the server returned an invalid or incomplete response",
        "the server didn't respond in time",
        "you have sent too many requests in a given amount of time",
        "your browser sent an invalid request",
        "your browser didn't send a complete request in time",
      ], turnsAwayWith503: true),
    Author(name: "Cloudflare", marks: ["cloudflare"]),
    Author(name: "Akamai", marks: ["akamai", "errors.edgesuite.net"]),
    Author(name: "Imperva", marks: ["incapsula"]),
    Author(name: "F5", marks: ["the requested url was rejected"]),
    Author(
      name: "the Azure gateway", marks: ["azure application gateway", "azure-application-gateway"]),
    Author(name: "squid", marks: ["(squid/"]),
    Author(name: "Varnish", marks: ["varnish"]),
    Author(name: "Apache", marks: ["<address>apache"]),
  ]

  /// Looks at the first 4 KB, which hold every known page; nil for an answer that isn't one.
  init?(_ response: HTTPResponse) {
    let start = response.body.prefix(4096).drop {
      $0.isASCIISpace || [0xEF, 0xBB, 0xBF].contains($0)
    }
    guard start.first == UInt8(ascii: "<") else { return nil }
    let text = String(decoding: start, as: UTF8.self).lowercased()
    guard ["<!doctype html", "<html", "<head", "<body", "<h1"].contains(where: text.contains) else {
      return nil
    }
    self.text = text
    author = Self.authors.first { $0.marks.contains(where: text.contains) }
  }

  /// ` with an HTML page of nginx, not of the API`: the end of a sentence about an answer.
  var words: String {
    " with an HTML page\(author.map { " of \($0.name)," } ?? ",") not of the API"
  }

  var owner: String { author?.name ?? "the gateway" }

  private var saysFirewall: Bool {
    [
      "access denied", "request rejected", "request blocked", "you have been blocked",
      "web application firewall",
    ]
    .contains(where: text.contains)
  }

  /// What the page means if it changes the meaning of the status; nil if not.
  func receipt(for status: Int) -> Receipt? {
    let detail = "the target answered \(status)\(words)"
    switch status {
    case 400 where text.contains("ssl certificate"):
      return Receipt(
        .fatal, http: status, code: .tlsFailed, detail: detail + ": it wants a client certificate",
        hint: Hint.clientCertificate)
    case 400 where text.contains("sent to https port"):
      return Receipt(
        .fatal, http: status, code: .wrongEndpoint, detail: detail + ": it expects TLS there",
        hint: "write https:// in --endpoint")
    case 403 where author != nil || saysFirewall:
      return Receipt(
        .rejected, http: status, code: .refusedByGateway, detail: detail,
        hint:
          "ask whoever runs \(owner) in front of the target: either it does not know this machine's "
          + "address, or one of its rules takes this row's text for an attack")
    case 401, 403, 404, 405, 408, 410, 413, 425, 429: return nil
    case 400...499:
      return Receipt(
        .rejected, http: status, code: .refusedByGateway, detail: detail,
        hint:
          "look into the log of \(owner), or ask whoever runs it; the request itself may be in order"
      )
    case 503 where author?.turnsAwayWith503 == true:
      return Receipt(
        .yield(after: nil), http: status, code: .throttled, detail: detail, hint: Hint.rate)
    default: return nil
    }
  }

  /// The next step if the page doesn't change the meaning of the status; nil for the code's own.
  func hint(for status: Int) -> String? {
    let again = "run the same command again later: rows in doubt are settled by asking the target"
    switch status {
    case 401, 403:
      return
        "check with whoever runs \(owner) whether it wants a login of its own or does not know this "
        + "machine's address, and check the credentials file"
    case 413:
      return
        "lower shrink.max-bytes below the limit of \(owner) (client_max_body_size in nginx), or have it "
        + "raised"
    case 504: return "\(owner) waited for the target in vain: lower --concurrency, or \(again)"
    case 500...599: return "\(owner) did not get through to the target: \(again)"
    default: return nil
    }
  }
}

/// Next steps that more than one failure leads to.
enum Hint {
  static let rate =
    "give --rate N/s (requests a second) or a lower --concurrency, and run the same command again"
  static let clientCertificate = "give --client-cert FILE and --client-key FILE"
}
