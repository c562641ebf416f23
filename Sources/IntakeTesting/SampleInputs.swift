import IntakeCore
import IntakeImaging

/// Inputs for stages of any role: ordinary ones, and those that damaged files and odd rows bring.
enum SampleInputs {
  /// In file names and cells; no failure may repeat it.
  static let canary = "Jane-Canary-19800229"

  /// What every stage of that input has to take; empty where nothing is known about the type.
  static func ordinary<Input>(_ type: Input.Type) throws -> [Input] {
    try values(type, images: [SampleImage.jpeg(), SampleImage.png()])
  }

  /// What a stage may refuse, but must survive.
  static func hostile<Input>(_ type: Input.Type) throws -> [Input] {
    let jpeg = try SampleImage.jpeg()
    let smallest = try SampleImage.jpeg(width: 16, height: 16)
    let strip = SampleImage.png(width: 4000, height: 16)
    // The header is whole, so the damage shows only when pixels are asked for.
    let damaged = Array(jpeg.prefix(jpeg.count * 3 / 4)) + [0xFF, 0xD9]
    return try values(type, images: [smallest, strip, damaged])
  }

  private static func values<Input>(_ type: Input.Type, images: [[UInt8]]) throws -> [Input] {
    var found: [any Sendable] = [record(), submission(), Assembly(record: record(), images: [:])]
    for bytes in images {
      found.append(ImageFile(side: .front, path: canary + ".jpg") { _ in bytes })
      guard let document = try? SampleImage.document(bytes, file: canary + ".jpg") else { continue }
      found.append(document)
      guard let prepared = try? ImageShrinker().prepare(document) else { continue }
      found += [prepared, Assembly(record: record(), images: [.front: encoded(prepared)])]
    }
    return found.compactMap { $0 as? Input }
  }

  /// Only its length is that of real base64: it is never decoded here.
  private static func encoded(_ image: PreparedImage) -> EncodedImage {
    let size = EncodedImage.encodedSize(of: image.bytes.count)
    return EncodedImage(base64: Array(repeating: UInt8(ascii: "A"), count: size), prepared: image)
  }

  private static func record() -> IntakeRecord {
    var fields = CustomerFields()
    let cells: [(Column, String)] = [
      (.id, "C-1"), (.reference, "R-1"), (.email, "jane@example.com"), (.fn, canary),
      (.ln, "Doe \"'<>&\u{202E}é"), (.dob, "1980-02-29"),
    ]
    for (column, text) in cells { fields[column] = Personal(text) }
    return IntakeRecord(
      row: RowReference(line: 2, id: "C-1", reference: "R-1"), identity: Personal([1, 2, 3]),
      fields: fields, images: [])
  }

  private static func submission() -> Submission {
    Submission(
      method: "POST", path: "", headers: [HTTPField("Content-Type", "application/json")],
      body: [
        .bytes(Array(#"{"user":""#.utf8)), .secret("user"),
        .bytes(Array(#"","name":"\#(canary)"}"#.utf8)),
      ], operation: "createOrUpdateCustomer", repeatSafety: .converges,
      customer: Personal("jane@example.com"), bodyLimit: 10_000_000, target: SampleTarget())
  }
}

/// A receiving API that takes everything.
private struct SampleTarget: Target {
  let name = "sample"

  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest {
    HTTPRequest(
      method: submission.method, url: endpoint + submission.path, headers: submission.headers,
      body: submission.body.map { $0.bytes(with: credentials) })
  }

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    Receipt(.accepted, http: response.status)
  }
}
