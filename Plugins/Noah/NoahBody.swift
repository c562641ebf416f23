import IntakeCore

/// The JSON of a customer; fields that are empty are left out.
struct NoahBody {
  let json: JSONOutput

  init(_ fields: CustomerFields, schema: NoahSchema) {
    var members: [(String, JSONOutput)] = []
    if schema == .typed {
      members.append(("Type", .string("Individual")))
      members += NoahBody.members(NoahField.contact, of: fields)
    }
    members.append(("FullName", .object(NoahBody.members(NoahField.fullName, of: fields))))
    members += NoahBody.members([NoahField.birth], of: fields)
    let identities = NoahBody.identityNumbers(in: fields).map {
      JSONOutput.object(NoahBody.members(NoahField.identity, of: fields, $0))
    }
    members.append(("Identities", .array(identities)))
    let residence = NoahBody.members(NoahField.residence, of: fields)
    members.append(("PrimaryResidence", .object(residence)))
    json = .object(members)
  }

  /// The numbers of the identity documents that a row describes, gaps left out.
  static func identityNumbers(in fields: CustomerFields) -> [Int] {
    Set(fields.columns.filter(\.column.isNumbered).map(\.number)).sorted()
  }

  private static func members(_ list: [NoahField], of fields: CustomerFields, _ number: Int = 1)
    -> [(String, JSONOutput)]
  {
    list.compactMap { field in
      field.value(in: fields, number).map { (field.name, .string($0)) }
    }
  }
}
