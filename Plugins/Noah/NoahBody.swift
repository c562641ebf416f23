import IntakeCore

enum NoahBody {
  /// The JSON of a customer; fields that are empty are left out.
  static func json(_ fields: CustomerFields, schema: NoahSchema) -> JSONOutput {
    func members(_ list: [NoahField], _ number: Int = 1) -> JSONFields {
      list.map { ($0.name, $0.value(in: fields, number)) }
    }
    let identities = NoahBody.identityNumbers(in: fields).map {
      JSONOutput(fields: members(NoahField.identity, $0))
    }
    let contact = schema == .typed ? [("Type", "Individual")] + members(NoahField.contact) : []
    return JSONOutput(
      fields: contact + [("FullName", JSONOutput(fields: members(NoahField.fullName)))]
        + members([NoahField.birth]) + [
          ("Identities", identities),
          ("PrimaryResidence", JSONOutput(fields: members(NoahField.residence))),
        ])
  }

  /// The numbers of the identity documents that a row describes, gaps left out.
  static func identityNumbers(in fields: CustomerFields) -> [Int] {
    Set(fields.columns.filter(\.column.isNumbered).map(\.number)).sorted()
  }
}

/// The scans of a row as requests that follow its customer: one for an address, then one with the bytes, per side.
///
/// Noah's pages show the two requests, but list neither the kinds of documents nor a limit; the kinds of the
/// customer's identities are used as the kinds of the documents.
struct NoahUploads {
  /// The operation's name of the first request.
  static let inquiryOperation = "getUploadURL"
  /// The operation's name of the second request.
  static let operation = "uploadDocument"

  let maxBytes: Int

  /// What a row with scans has to have: the first identity says what the scans show.
  func problems(in record: IntakeRecord) -> [StageFailure] {
    guard !record.images.isEmpty else { return [] }
    let number = NoahBody.identityNumbers(in: record.fields).first ?? 1
    return [Column.idType, .idCountry].map { ColumnName($0, number) }
      .filter { record.fields[$0] == nil }
      .map { .missing($0, "an upload needs it") }
  }

  func followUps(
    of id: NoahCustomerID, _ fields: CustomerFields, _ images: [Side: EncodedImage]
  ) -> [FollowUp] {
    let number = NoahBody.identityNumbers(in: fields).first ?? 1
    func value(_ name: String) -> String {
      NoahField.identity.named(name)?.value(in: fields, number) ?? ""
    }
    let type = value("IDType")
    return images.keys.sorted().compactMap { side in
      images[side].map { image in
        // A passport shows one page, which has no side.
        let isSingle = images.count == 1 && type == "Passport"
        let document = "Type=\(type)&CountryCode=\(value("IssuingCountry"))"
        let query = document + (isSingle ? "" : side == .back ? "&Side=Back" : "&Side=Front")
        return FollowUp(
          name: "upload." + side.rawValue, side: side,
          inquiry: inquiry(id, query, hiding: document),
          request: upload(image.prepared, id))
      }
    }
  }

  private func inquiry(_ id: NoahCustomerID, _ query: String, hiding document: String)
    -> Submission
  {
    var inquiry = Submission(
      method: "GET", path: "/onboarding/\(id.text)/prefill/documents/upload-url?\(query)",
      headers: [], body: [], operation: NoahUploads.inquiryOperation, repeatSafety: .safe,
      customer: Personal(id.text), bodyLimit: 0, target: NoahTarget())
    inquiry.personalTexts = [Personal(document)]
    return inquiry
  }

  private func upload(_ image: PreparedImage, _ id: NoahCustomerID) -> Submission {
    let type = "image/" + image.report.sent.format.rawValue
    return Submission(
      method: "PUT", path: "", headers: [HTTPField("Content-Type", type)], body: [.scan(image)],
      operation: NoahUploads.operation, repeatSafety: .idempotent, customer: Personal(id.text),
      bodyLimit: maxBytes, target: NoahTarget())
  }
}
