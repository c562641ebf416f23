import IntakeCore

/// An answer of DCAMS storage, read leniently: any field may be missing, in another place or of another type.
struct DCAMSAnswer {
  /// `Success` or `Error`, in lower case.
  let result: String?
  let message: String?
  /// `PASS`, `PENDING`, `FAIL`, or `unknown` for any other text: it could repeat a customer's name.
  let status: String?
  /// `createCustomer`, `updateCustomer` or `unknown`.
  let type: String?
  let reference: String?
  let target: JSONValue?

  /// Nil when the body isn't a JSON object, or has a field twice, which readers disagree on.
  init?(_ response: HTTPResponse) {
    guard let root = response.json, root.fields != nil else { return nil }
    result = root["result"]?.string?.lowercased()
    message = root["message"]?.string
    // updateStatus answers with the status inside target, the other services at the top.
    let status = (root["status"] ?? root["target"]?["status"])?.string
    self.status = status.map { DCAMSAnswer.known($0, ["PASS", "PENDING", "FAIL"]) }
    type = root["type"]?.string.map {
      DCAMSAnswer.known($0, ["createCustomer", "updateCustomer"])
    }
    reference = root["reference"]?.string ?? root["reference"]?.integer.map(String.init)
    target = root["target"]
  }

  /// The documented word, in any letter case, or `unknown`.
  private static func known(_ text: String, _ words: [String]) -> String {
    words.first { $0.lowercased() == text.lowercased() } ?? "unknown"
  }

  /// What an error message means, nil for one that isn't documented.
  static func failure(for message: String?) -> (FailureCode, String)? {
    switch message?.lowercased() {
    case "the email address is invalid":
      return (.refusedByTarget, "the target refused the e-mail address (column \"email\")")
    case "missing a required input":
      return (.refusedByTarget, "the target reports that a required input is missing")
    case "the email address was not found":
      return (.customerNotFound, "the target has no customer with this e-mail (column \"email\")")
    case "either your username or password is incorrect":
      return (.credentialsRefused, "the target refused user name or password")
    default: return nil
    }
  }
}

/// What a request contained, read back from its body.
struct SentCustomer {
  let email: String
  /// The status of an updateStatus, nil for other services.
  let status: String?
  /// The bytes of each image, before base64.
  let images: [Side: [UInt8]]
  private let reference: String?
  private let fields: [JSONField]

  init?(_ submission: Submission) {
    var text: [UInt8] = []
    var images: [Side: [UInt8]] = [:]
    for segment in submission.body {
      switch segment {
      case .bytes(let bytes): text += bytes
      case .image(let image): images[image.side] = image.prepared.bytes
      case .secret, .scan: break
      }
    }
    guard let body = try? JSONParser.parse(text), let target = body["target"],
      let email = target["email"]?.string
    else { return nil }
    self.email = email
    self.images = images
    reference = body[SentCustomer.reference]?.string
    status = body["service"]?.string == "updateStatus" ? target["status"]?.string : nil
    fields = (target.fields ?? []).filter { $0.name != "documents" && $0.name != "email" }
  }

  /// The names of the fields that the target stores differently from what was sent; never their values.
  ///
  /// A field that the answer leaves out proves nothing: no page says which ones it contains.
  func differences(from answer: DCAMSAnswer) -> [String] {
    storedFields(in: answer).filter { field in
      field.name == SentCustomer.reference
        ? field.stored != field.sent : !StoredText(text: field.stored).agrees(with: field.sent)
    }.map(\.name)
  }

  /// The names of the fields and images that the answer shows exactly as they were sent.
  func partsKept(by answer: DCAMSAnswer) -> Set<String> {
    let sides = images.keys.filter { side in
      let stored = answer.target?["documents"]?[side.rawValue]?.string
      return stored.flatMap { Base64Text.decode($0) } == images[side]
    }
    let names = storedFields(in: answer).filter { $0.stored == $0.sent }.map(\.name)
    return Set(names + sides.map(SentCustomer.name))
  }

  /// The fields that were sent and that the answer has.
  private func storedFields(in answer: DCAMSAnswer) -> [(
    name: String, sent: String, stored: String
  )] {
    let all =
      fields.map { ($0.name, $0.value.string, answer.target?[$0.name]?.string) }
      + [(SentCustomer.reference, reference, answer.reference)]
    return all.compactMap { name, sent, stored in
      guard let sent, let stored else { return nil }
      return (name, sent, stored)
    }
  }

  private static let reference = "reference"

  /// What an image is called among the parts that differ or are kept.
  static func name(of side: Side) -> String { "image " + side.rawValue }
}

/// A field as the target shows it: possibly in its own spelling, possibly masked in part.
struct StoredText {
  let text: String

  /// Whether it can be what was sent: the same letters and digits, apart from masked ones and a country's prefix.
  func agrees(with sent: String) -> Bool {
    let stored = StoredText.lettersAndDigits(text)
    let sent = StoredText.lettersAndDigits(sent)
    return stored == sent || isSameNumber(stored, sent) || isMasked(stored, sent)
  }

  /// A phone number with or without its country's code; seven digits are the shortest subscriber number.
  private func isSameNumber(_ stored: [Character], _ sent: [Character]) -> Bool {
    let shorter = min(stored.count, sent.count)
    guard shorter >= 7, (stored + sent).allSatisfy(\.isNumber) else { return false }
    return stored.suffix(shorter) == sent.suffix(shorter)
  }

  /// `XXXX0521` or `****0521`: what can be read must be the same.
  private func isMasked(_ stored: [Character], _ sent: [Character]) -> Bool {
    let hidden: Set<Character> = ["x", "*", "•"]
    guard stored.count == sent.count, stored.contains(where: hidden.contains) else { return false }
    return zip(stored, sent).allSatisfy { hidden.contains($0) || $0 == $1 }
  }

  /// Letters, digits and masking marks, in lower case.
  private static func lettersAndDigits(_ text: String) -> [Character] {
    text.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "*" || $0 == "•" }
  }
}
