public import IntakeCore

/// Builds requests for an imagined vendor: one POST, names and images in a flat JSON object.
public struct Acme: Assembler {
  /// `acme`.
  public static let name = "acme"
  /// What it does.
  public static let summary = "build the request for Acme Verify and read its answer"

  private static let bodyLimit = 5_000_000

  /// The receiving API.
  public let target: any Target = AcmeTarget()

  /// Takes no options.
  public init(options: NoOptions) {}

  /// What the vendor cannot do without.
  public func problems(in record: IntakeRecord) -> [StageFailure] {
    [Column.email, .fn, .ln].filter { record.fields[$0] == nil }.map {
      StageFailure(
        .missingValue, "the column \"\($0.rawValue)\" is empty", column: ColumnName($0))
    }
  }

  /// What the limit leaves for the images; the fields of a row stay far below 64 KB.
  public func imageBudget(for record: IntakeRecord) -> Int? {
    EncodedImage.decodedCapacity(of: Self.bodyLimit - 65_536)
  }

  /// Writes the body; images stay segments of their own, so that they are never copied.
  public func run(_ assembly: consuming Assembly, in context: StageContext) throws -> Submission {
    let fields = assembly.record.fields
    let members = [Column.reference, .email, .fn, .ln].compactMap { column in
      fields[column].map { "\"\(column.rawValue)\":\(JSONText.quoted($0.exposed))" }
    }
    var body: [BodySegment] = [.bytes(Array(("{" + members.joined(separator: ",")).utf8))]
    for (side, image) in assembly.images.sorted(by: { $0.key < $1.key }) {
      body += [.bytes(Array(",\"\(side.rawValue)\":\"".utf8)), .image(image), .bytes([0x22])]
    }
    body.append(.bytes([0x7D]))
    return Submission(
      method: "POST", path: "/applicants",
      headers: [HTTPField("Content-Type", "application/json")], body: body, operation: "create",
      repeatSafety: .never, customer: Personal(fields[.email]?.exposed.lowercased() ?? ""),
      bodyLimit: Self.bodyLimit, target: target)
  }
}

extension Acme {
  /// The vendor: what `--to acme`, `customer get --to acme`, help, completion and dry runs are made of.
  public static let vendor: Vendor? = Vendor(
    name: name, endpoint: "https://acme.example/v1", credentials: [CredentialField("token")],
    shownFields: ["reference"],
    commands: [
      CustomerCommand(
        "get", summary: "ask for one applicant (Acme GET applicants)",
        options: [
          CustomerOption(
            "email", value: "E|-", readsInput: true,
            help: "the applicant; - reads it from standard input", inRow: [.email])
        ]
      ) { values throws(StageFailure) in
        try applicant(values["email"] ?? "")
      }
    ])

  private static func applicant(_ email: String) throws(StageFailure) -> Submission {
    guard EmailAddress.problem(in: email) == nil else {
      throw StageFailure(
        .invalidValue, "--email isn't a valid e-mail address",
        hint: "give the address under which the applicant was sent")
    }
    return Submission(
      method: "GET", path: "/applicants?email=" + PercentText.encoded(email), headers: [],
      body: [], operation: "get", repeatSafety: .safe, customer: Personal(email.lowercased()),
      bodyLimit: 0, target: AcmeTarget())
  }
}

/// Acme's API: a bearer token, 201 for a new applicant, 422 for one that it refuses.
struct AcmeTarget: Target {
  let name = Acme.name

  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    try Acme.vendor?.require(credentials)
  }

  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest {
    let token = String(decoding: credentials?["token"]?.exposed ?? [], as: UTF8.self)
    return HTTPRequest(
      method: submission.method, url: endpoint + submission.path,
      headers: submission.headers + [HTTPField("Authorization", "Bearer \(token)")],
      body: submission.body.map { $0.bytes(with: credentials) })
  }

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    switch response.status {
    case 200 where submission.operation == "get": return Receipt(.accepted, http: 200)
    case 201: return Receipt(.accepted, http: 201, type: "created")
    case 422:
      return Receipt(
        .rejected, http: 422, code: .refusedByTarget, detail: "Acme refused the applicant")
    // Whatever else it says, nobody knows what became of the row.
    default: return Receipt(.inDoubt, http: response.status, code: .unrecognizedAnswer)
    }
  }

  /// `{"error":"…"}`; the row's values are hidden before it is shown.
  func message(in response: HTTPResponse) -> String? {
    response.json?["error"]?.string
  }
}
