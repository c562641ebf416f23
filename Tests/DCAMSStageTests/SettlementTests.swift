import DCAMSStage
import IntakeCore
import Testing

/// What DCAMS says about a row in doubt, question by question.
struct SettlementTests {
  private static let fields = [
    "email": "Lena.Whitcombe@example.com", "fn": "Lena", "ln": "Whitcombe",
    "addr": "903 Juniper Avenue", "city": "Sacramento", "state": "CA", "zip": "95814",
    "dob": "19900521", "phone": "9165550134",
  ]
  private static let missing = #"{"result":"Error","message":"The email address was not found"}"#

  private func image(_ side: Side, _ base64: String) -> EncodedImage {
    let form = ShrinkReport.Form(format: .jpeg, size: PixelSize(width: 8, height: 8), bytes: 3)
    let report = ShrinkReport(source: form, sent: form, method: .passthrough, reason: "")
    return EncodedImage(
      base64: Array(base64.utf8),
      prepared: PreparedImage(
        side: side, bytes: side == .front ? [1, 2, 3, 4] : [4, 5, 6], report: report))
  }

  private func submission(_ operation: String = "createOrUpdateCustomer") throws -> Submission {
    var fields = CustomerFields()
    for (name, text) in Self.fields {
      if let column = Column(rawValue: name) { fields[column] = Personal(text) }
    }
    fields[.reference] = Personal("R-7")
    fields[.status] = Personal("PASS")
    let record = IntakeRecord(
      row: RowReference(line: 2), identity: Personal([]), fields: fields, images: [])
    let images: [Side: EncodedImage] = [
      .front: image(.front, "AQIDBA=="), .back: image(.back, "BAUG"),
    ]
    return try DCAMS(given: ["operation": .text(operation)]).run(
      Assembly(record: record, images: images), in: StageContext(row: record.row))
  }

  /// An answer of the vendor with some fields changed; an empty text leaves a field out.
  private func answer(
    _ changes: [String: String] = [:], reference: String = "R-7", status: String = "PENDING",
    documents: String? = nil
  ) -> HTTPResponse {
    var members = Self.fields.merging(changes) { _, new in new }.filter { !$0.value.isEmpty }
      .map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
    if let documents { members.append(#""documents":"# + documents) }
    let text =
      #"{"result":"Success","reference":"\#(reference)","status":"\#(status)","target":{"#
      + members.joined(separator: ",") + "}}"
    return HTTPResponse(status: 200, headers: [], body: Array(text.utf8))
  }

  /// Asks as the runner does: question after question, until the target has no further one.
  private func settle(_ submission: Submission, _ answers: HTTPResponse...) throws -> (
    Settlement, asked: [String]
  ) {
    let target = submission.target
    var inquiry = try #require(target.inquiry(about: submission))
    var asked = [inquiry.operation]
    for answer in answers.dropLast() {
      inquiry = try #require(target.inquiry(after: answer, to: inquiry, about: submission))
      asked.append(inquiry.operation)
    }
    let last = try #require(answers.last)
    #expect(target.inquiry(after: last, to: inquiry, about: submission) == nil)
    return (target.settlement(of: last, about: submission), asked)
  }

  private func isAccepted(_ settlement: Settlement) -> Bool? {
    switch settlement {
    case .accepted: true
    case .notAccepted, .differs: false
    case .unknown: nil
    }
  }

  @Test func anUnknownEmailSettlesItWithOneQuestion() throws {
    let response = HTTPResponse(status: 404, headers: [], body: Array(Self.missing.utf8))
    let (settlement, asked) = try settle(submission(), response)
    #expect(isAccepted(settlement) == false)
    #expect(asked == ["getStatus"])
  }

  @Test(arguments: Self.fields.keys.filter { $0 != "email" }.sorted() + ["reference"])
  func aStoredFieldThatDiffersSettlesItWithOneQuestion(name: String) throws {
    let response =
      name == "reference" ? answer(reference: "R-8") : answer([name: "20000101 other"])
    let (settlement, asked) = try settle(submission(), response)
    #expect(isAccepted(settlement) == false)
    #expect(asked == ["getStatus"])
    #expect(settlement == .differs(in: [name]))
  }

  /// Only the very same text shows that a target keeps a field as it was sent.
  @Test func whatIsSpeltOtherwiseLeftOutOrMaskedIsNotKept() throws {
    let submission = try submission()
    let changes = ["fn": "LENA", "addr": "903 JUNIPER AVE", "phone": "", "dob": "XXXX0521"]
    let documents = #"{"front":"AQIDBA==","back":"AQIE"}"#
    let kept = submission.target.partsKept(
      by: answer(changes, documents: documents), of: submission)
    #expect(kept == ["ln", "city", "state", "zip", "reference", "image front"])
  }

  /// Sending again on the strength of a spelling would send an accepted customer twice.
  @Test(arguments: [
    ["phone": ""], ["dob": "XXXX0521"], ["dob": "****0521"], ["phone": "+1 916-555-0134"],
    ["phone": "(916) 555-0134"], ["addr": "903 JUNIPER AVENUE"], ["fn": "", "ln": "", "dob": ""],
  ])
  func whatIsLeftOutHiddenOrSpeltOtherwiseProvesNothing(changes: [String: String]) throws {
    let (settlement, asked) = try settle(
      submission(), answer(changes), answer(documents: #"{"front":"AQIDBA==","back":"BAUG"}"#))
    #expect(isAccepted(settlement) == true)
    #expect(asked == ["getStatus", "getDocumentImages"])
  }

  @Test(arguments: [["dob": "XXXX0522"], ["phone": "0134"], ["phone": "+1 916-555-0135"]])
  func whatCanBeReadOfAHiddenFieldHasToBeTheSame(changes: [String: String]) throws {
    #expect(isAccepted(try settle(submission(), answer(changes)).0) == false)
  }

  @Test(arguments: [
    #"{"front":"AQIDBA==","back":"BAUG"}"#, #"{"front":"AQIDBA","back":"BAUG"}"#,
    #"{"front":"data:image/jpeg;base64,AQIDBA==","back":"BAUG"}"#,
    #"{"front":"AQ\nIDBB==","back":" BA UG\r\n"}"#,
    #"{"back":"BAUG","front":"AQIDBA==","selfie":"x"}"#,
  ])
  func equalFieldsAndImagesAreAccepted(documents: String) throws {
    let (settlement, asked) = try settle(
      submission(), answer(["email": "lena.whitcombe@example.com"]), answer(documents: documents))
    #expect(isAccepted(settlement) == true)
    #expect(asked == ["getStatus", "getDocumentImages"])
  }

  @Test(arguments: [
    (#"{"front":"AQIE","back":"BAUG"}"#, "front"), (#"{"front":"AQIDBA==","back":"AQIE"}"#, "back"),
  ])
  func otherImagesAreADifference(documents: String, side: String) throws {
    let (settlement, _) = try settle(submission(), answer(), answer(documents: documents))
    #expect(settlement == .differs(in: ["image " + side]))
  }

  @Test(arguments: [
    #"{"front":"AQIDBA=="}"#, #"{"front":"AQIDBA==","back":""}"#,
    #"{"front":"AQIDBA==","back":null}"#, "{}",
  ])
  func anImageThatIsNotReturnedProvesNothing(documents: String) throws {
    #expect(isAccepted(try settle(submission(), answer(), answer(documents: documents)).0) == nil)
  }

  @Test func withoutImagesInTheAnswerNothingIsProved() throws {
    #expect(isAccepted(try settle(submission(), answer(), answer()).0) == nil)
  }

  @Test(arguments: [
    (200, "<html>"), (200, "{}"), (200, #"{"result":"Error","message":"x"}"#), (404, "<html>"),
    (400, #"{"result":"Error","message":"The email address is invalid"}"#),
  ])
  func anAnswerThatIsNotReadableProvesNothing(status: Int, body: String) throws {
    let response = HTTPResponse(status: status, headers: [], body: Array(body.utf8))
    #expect(isAccepted(try settle(submission(), response).0) == nil)
  }

  @Test(arguments: [("PASS", true), ("pass", true), ("FAIL", false), ("PENDING", false)])
  func aStatusIsSettledByTheStatus(stored: String, isAccepted: Bool) throws {
    let (settlement, asked) = try settle(submission("updateStatus"), answer(status: stored))
    #expect(self.isAccepted(settlement) == isAccepted)
    #expect(asked == ["getStatus"])
  }

  @Test func questionsHoldNothingButTheEmailAndPlacesForSecrets() throws {
    let inquiry = try #require(try submission().target.inquiry(about: submission()))
    let text = String(decoding: inquiry.body.flatMap { $0.bytes(with: nil) }, as: UTF8.self)
    #expect(
      text == #"{"user":"","pass":"","service":"getStatus","target":{"email":"#
        + #""Lena.Whitcombe@example.com"}}"#)
    #expect(inquiry.repeatSafety == .safe)
  }
}
