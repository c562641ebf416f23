import IntakeCore

/// An error as Noah's pages describe it, read leniently: any field may be missing or of another type.
struct NoahAnswer {
  /// The vendor's word for the error, nil when the answer has none that is documented.
  let type: Kind?
  /// The reference of this occurrence, for the vendor's support; nil for a sentence or an address, which is none.
  let instance: String?
  let detail: String
  let complaints: [Complaint]

  enum Kind: String {
    case invalidMessage = "InvalidMessage"
    case unexpected = "Unexpected"
    case resourceNotFound = "ResourceNotFound"
    case unauthorized = "Unauthorized"
    case forbidden = "Forbidden"
    case insufficientBalance = "InsufficientBalance"
  }

  struct Complaint {
    let field: String?
    /// `SchemaValidation` or `IntegrityValidation`.
    let reason: String?
    let description: String?

    /// `FullName.FirstName SchemaValidation: must be 1 to 50 characters long`.
    var text: String {
      let place = [field, reason].compactMap(\.self).joined(separator: " ")
      return [place, description ?? ""].filter { !$0.isEmpty }.joined(separator: ": ")
    }
  }

  init?(_ response: HTTPResponse) {
    guard let root = response.json, root.fields != nil else { return nil }
    type = root["Type"]?.string.flatMap(Kind.init)
    instance = root["Instance"]?.string.flatMap { $0.isPlain(1...80, or: "-_.:/[]#$") ? $0 : nil }
    // A gateway in front of the API writes its own field.
    detail = (root["Detail"] ?? root["message"])?.string ?? ""
    let entries = root["RequestExtension"]?["Body"]?.elements ?? []
    complaints = entries.filter { $0.fields != nil }.map {
      Complaint(
        field: $0["Field"]?.string, reason: $0["Reason"]?.string,
        description: $0["Description"]?.string)
    }
  }

  /// All that the answer says about the reason, nil when it says nothing.
  var message: String? {
    let texts = [detail] + complaints.map(\.text)
    let message = texts.filter { !$0.isEmpty }.joined(separator: "; ")
    return message.isEmpty ? nil : message
  }

  /// What follows "the target answered 400": the vendor's word and the columns at fault.
  func words(because columns: String? = nil) -> String {
    (type.map { " (\($0.rawValue))" } ?? "") + (columns.map { " because of " + $0 } ?? "")
  }
}

/// Finds the manifest's columns behind the vendor's list of wrong fields.
enum NoahComplaints {
  /// `column "fn"` or `columns "fn", "dob"`, nil when no column is known.
  static func columns(of complaints: [NoahAnswer.Complaint], identities: [Int]) -> String? {
    let columns = complaints.compactMap { column(of: $0.field, identities) }
    let names = columns.unique(by: \.self).map { "\"\($0)\"" }
    guard !names.isEmpty else { return nil }
    return (names.count == 1 ? "column " : "columns ") + names.joined(separator: ", ")
  }

  /// The column behind `FullName.FirstName`, `/FullName/FirstName` or `Identities[0].IDNumber`.
  private static func column(of path: String?, _ identities: [Int]) -> ColumnName? {
    guard let path else { return nil }
    var parts = path.split { "./[]#$".contains($0) }.map(String.init)
    if parts.first?.lowercased() == "body" { parts.removeFirst() }
    guard let first = parts.first else { return nil }
    if first == "CustomerID" { return ColumnName(.id) }
    if first == "Identities" {
      guard parts.count == 3, let index = Int(parts[1]), identities.indices.contains(index) else {
        return ColumnName(.idType)
      }
      return NoahField.identity.named(parts[2]).map {
        ColumnName($0.column, identities[index])
      }
    }
    return field(first, parts.dropFirst().first).map { ColumnName($0.column) }
  }

  private static func field(_ first: String, _ second: String?) -> NoahField? {
    switch (first, second) {
    case ("FullName", let name?): NoahField.fullName.named(name)
    case ("PrimaryResidence", let name?): NoahField.residence.named(name)
    case (let name, nil): (NoahField.contact + [NoahField.birth]).named(name)
    default: nil
    }
  }
}
