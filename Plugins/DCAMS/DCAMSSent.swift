import IntakeCore

/// What a request of the batch said, read back from its body so that stages in between are heeded.
struct DCAMSSent {
  let email: Personal<String>?
  /// In capitals, for updateStatus alone.
  let status: String?
  let images: [Side: [UInt8]]
  private let reference: String?
  private let target: JSONValue

  /// Nil when the body is not what this vendor's assembler wrote.
  init?(_ submission: Submission) {
    var text: [UInt8] = []
    var images: [Side: [UInt8]] = [:]
    for segment in submission.body {
      switch segment {
      case .bytes(let bytes): text += bytes
      case .image(let image): images[image.side] = image.prepared.bytes
      case .secret: break
      }
    }
    guard let root = try? JSONParser.parse(text), let target = root["target"] else { return nil }
    email = target["email"]?.string.map { Personal($0) }
    status = target["status"]?.string?.uppercased()
    reference = root["reference"]?.string
    self.images = images
    self.target = target
  }

  /// The names of reference and fields that are stored otherwise, or not at all; never their values.
  func fieldsThatDiffer(from answer: DCAMSAnswer) -> [String] {
    var names: [String] = []
    if let reference, DCAMSSent.plain(answer.reference ?? "") != DCAMSSent.plain(reference) {
      names.append("reference")
    }
    for field in target.fields ?? [] where field.name != "documents" && field.name != "status" {
      let stored = answer.target?[field.name]?.string ?? ""
      let isSame =
        DCAMSSent.form(of: field.name, stored)
        == DCAMSSent.form(of: field.name, field.value.string ?? "")
      if !isSame { names.append(field.name) }
    }
    return names
  }

  /// Whatever form the vendor keeps a date or number in, its digits stay; elsewhere case and spacing may change.
  private static func form(of name: String, _ text: String) -> String {
    ["dob", "phone", "zip"].contains(name)
      ? text.filter { $0.isLetter || $0.isNumber }.lowercased() : plain(text)
  }

  private static func plain(_ text: String) -> String {
    text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
