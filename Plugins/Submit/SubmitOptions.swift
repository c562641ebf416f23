import IntakeCore
import IntakeTransport

/// The options of `submit`, read.
struct SubmitOptions: Sendable {
  static let endpoint = StageOption.text(
    "endpoint", help: "address of the target: https, or http on this machine; required")
  static let credentials = StageOption.text(
    "credentials", help: "FILE (0600), fd:N or command:…, a JSON object of texts")
  static let timeout = StageOption.number(
    "timeout", in: 1...600, default: 60, unit: "seconds", help: "for one attempt, answer included")
  static let connectTimeout = StageOption.number(
    "connect-timeout", in: 0.1...120, default: 10, unit: "seconds",
    help: "for name, connection and TLS")
  static let expect = StageOption.choice(
    "expect", of: ExpectPolicy.allCases.map(\.rawValue), default: ExpectPolicy.auto.rawValue,
    help: "ask before the body goes out (Expect: 100-continue); auto: over 64 KiB")
  static let caFile = StageOption.text(
    "ca-file", help: "PEM file with the only authorities to trust, instead of the system's")
  static let answerLimit = StageOption.integer(
    "max-answer", in: 1_024...67_108_864, default: 1_048_576, unit: "bytes",
    help: "the most that is read of an answer")

  static let all = [
    endpoint.descriptor, credentials.descriptor, timeout.descriptor, connectTimeout.descriptor,
    expect.descriptor, caFile.descriptor, answerLimit.descriptor,
  ]

  let endpoint: String?
  let credentials: String?
  let settings: HTTPSettings

  init(_ options: StageOptions) {
    endpoint = options[SubmitOptions.endpoint]
    credentials = options[SubmitOptions.credentials]
    var settings = HTTPSettings()
    settings.deadline = options[SubmitOptions.timeout]
    settings.connectTimeout = options[SubmitOptions.connectTimeout]
    settings.expect = ExpectPolicy(rawValue: options[SubmitOptions.expect]) ?? .auto
    settings.caFile = options[SubmitOptions.caFile]
    settings.answerLimit = options[SubmitOptions.answerLimit]
    self.settings = settings
  }
}
