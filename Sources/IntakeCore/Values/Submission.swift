/// A request that is complete except for the credentials, which the target adds for each attempt.
public struct Submission: Sendable {
  /// HTTP method in capitals.
  public var method: String
  /// What follows the endpoint's own path: empty for DCAMS, `/customers/<id>` for Noah.
  public var path: String
  /// Header fields besides those the transport writes itself.
  public var headers: [HTTPField]
  /// The body in segments, so that base64 is never copied through an encoder.
  public var body: [BodySegment]
  /// The operation's name as the vendor spells it.
  public let operation: String
  /// What sending the same request twice would do.
  public let repeatSafety: RepeatSafety
  /// Who the request is about, in a form that is equal for all rows about the same customer.
  public let customer: Personal<String>
  /// The most bytes the serialized body may have.
  public let bodyLimit: Int
  /// The receiving API.
  public let target: any Target
  /// What the row was made of; the runner fills it in for the ledger, nothing of it is sent.
  public var origin: RowOrigin?
  /// Texts of path, header fields and body that a dry run must not show wherever they stand.
  public var personalTexts: [Personal<String>] = []
  /// What follows once this request has been accepted, in order; 7 steps at most.
  public var followUps: [FollowUp] = []
  /// The whole address of a request that goes elsewhere than to the endpoint, without credentials or signature.
  public var address: Secret?

  /// Describes a request.
  public init(
    method: String, path: String, headers: [HTTPField], body: [BodySegment], operation: String,
    repeatSafety: RepeatSafety, customer: Personal<String>, bodyLimit: Int, target: any Target
  ) {
    self.method = method
    self.path = path
    self.headers = headers
    self.body = body
    self.operation = operation
    self.repeatSafety = repeatSafety
    self.customer = customer
    self.bodyLimit = bodyLimit
    self.target = target
  }

  /// Bytes of the body with the given credentials in their places.
  public func bodySize(with credentials: Credentials?) -> Int {
    body.reduce(0) { $0 + $1.bytes(with: credentials).count }
  }
}

/// What a repeat of an operation does at the receiving side.
public enum RepeatSafety: String, Sendable {
  /// Reads only: may be repeated at will.
  case safe
  /// Idempotent by contract of the vendor or by HTTP (PUT).
  case idempotent
  /// The state converges if the body is the same, but a second verification may be billed.
  case converges
  /// Unknown: never repeat.
  case never
}

/// What an assembler builds a request from: one row and its images, ready to send.
public struct Assembly: Sendable {
  /// The row.
  public let record: IntakeRecord
  /// The images by side; empty for operations that send none.
  public let images: [Side: EncodedImage]

  /// Joins a row with its images.
  public init(record: IntakeRecord, images: [Side: EncodedImage]) {
    self.record = record
    self.images = images
  }
}

/// A step after a request was accepted, to an address that the target first gives out, a new one for each attempt.
public struct FollowUp: Sendable {
  /// What it sends, as results and ledger name it: letters, digits, `.`, `-` and `_`; at most 32 bytes.
  public let name: String
  /// The side it sends, where it is an image.
  public let side: Side?
  /// The read-only request whose answer gives the address.
  public let inquiry: Submission
  /// The request itself, complete but for the address.
  public let request: Submission

  /// Describes a step.
  public init(name: String, side: Side?, inquiry: Submission, request: Submission) {
    self.name = name
    self.side = side
    self.inquiry = inquiry
    self.request = request
  }
}

/// What became of one step of a row that takes several.
public struct StepReport: Sendable {
  /// The operation's name for the request itself, the follow-up's for each further step.
  public let name: String
  /// How it ended; `skipped` when an earlier run has done it.
  public var verdict: Verdict
  /// Status code of the last answer.
  public var http: Int?
  /// Bytes of its body.
  public var bodyBytes: Int

  /// Describes how a step ended.
  public init(_ name: String, _ verdict: Verdict, http: Int? = nil, bodyBytes: Int = 0) {
    self.name = name
    self.verdict = verdict
    self.http = http
    self.bodyBytes = bodyBytes
  }
}

/// A piece of a body.
public enum BodySegment: Sendable {
  /// Bytes as they are sent.
  case bytes([UInt8])
  /// An image as it is sent; kept apart so that a dry run can say what stands there.
  case image(EncodedImage)
  /// An image's own bytes, for targets that take them as a body.
  case scan(PreparedImage)
  /// The place of a secret inside a JSON string, by its name in the credentials file.
  case secret(String)

  /// The bytes to send; a secret that is missing leaves its place empty.
  public func bytes(with credentials: Credentials?) -> [UInt8] {
    switch self {
    case .bytes(let bytes): return bytes
    case .image(let image): return image.base64
    case .scan(let image): return image.bytes
    case .secret(let name):
      guard let secret = credentials?[name] else { return [] }
      return JSONText.escaped(secret.exposed)
    }
  }
}

/// Writes a JSON body piece by piece: secrets and images stay segments of their own.
public struct BodyWriter: Sendable {
  private var finished: [BodySegment] = []
  private var text: [UInt8] = []

  /// Starts with an empty body.
  public init() {}

  /// What has been written.
  public var segments: [BodySegment] { text.isEmpty ? finished : finished + [.bytes(text)] }

  /// Adds a piece of JSON as it is.
  public mutating func write(_ json: String) { text += json.utf8 }

  /// Adds a text inside of a JSON string.
  public mutating func write(escaping inside: String) { text += JSONText.escaped(inside.utf8) }

  /// Adds a secret or an image.
  public mutating func write(_ segment: BodySegment) {
    finished = segments + [segment]
    text = []
  }
}

extension Assembler {
  /// Bytes before base64 that a limit leaves for all images of a row together, each written `uses` times.
  ///
  /// `body` is the request without images. 512 bytes are kept free for the credentials.
  public func imageBudget(
    of limit: Int, beside body: [BodySegment], images: Int, uses: Int = 1
  ) -> Int {
    let envelope = body.reduce(512) { $0 + $1.bytes(with: nil).count }
    // Base64 takes 4 bytes for 3, and each image is padded once.
    return max(0, EncodedImage.decodedCapacity(of: (limit - envelope) / uses) - 3 * images)
  }
}
