import IntakeCore

extension NoahTarget {
  /// Says which of the many causes of a 401 it is, as far as clock and answer tell.
  func hint(for response: HTTPResponse, clockSkew: Double?) -> String? {
    switch response.status {
    case 401: NoahTarget.clockHint(clockSkew) ?? NoahTarget.keyHint(NoahAnswer(response.body))
    case 403: "ask Noah whether this account may create customers (Reliance onboarding)"
    default: nil
    }
  }

  /// Beyond half a minute a token may count as expired, or as not issued yet.
  private static func clockHint(_ skew: Double?) -> String? {
    guard let skew, abs(skew) > 30 else { return nil }
    return
      "set this machine's clock, which is \(Int(abs(skew))) s \(skew > 0 ? "behind" : "ahead"): "
      + "a signature counts for \(NoahClaims.life) s from its own time"
  }

  /// The vendor's text is searched for its own words and not shown.
  private static func keyHint(_ answer: NoahAnswer?) -> String {
    let detail = answer?.detail ?? ""
    let speaksOfToken = ["signature", "token", "jwt"].contains { detail.contains($0) }
    if speaksOfToken, detail.contains("missing") {
      return "add \"privateKeyFile\" to the credentials: this apiKey wants signed requests"
    }
    if speaksOfToken {
      return "check that privateKeyFile belongs to the public key registered for this apiKey"
    }
    if detail.contains("environment") {
      return "give a key of the environment that --endpoint belongs to"
    }
    return
      "check that apiKey is complete and has not expired, and that privateKeyFile belongs to it"
  }
}
