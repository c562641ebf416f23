public import IntakeCore
import IntakeTransport

/// The options of `submit`.
public struct SubmitOptions: PluginOptions {
  @Option("address of the target: https, or http on this machine; required")
  var endpoint: String? = nil
  @Option("FILE (0600), fd:N or command:…, a JSON object of texts") var credentials: String? = nil
  @Option("for one attempt, answer included", in: 1...600, unit: "seconds") var timeout = 60.0
  @Option("for name, connection and TLS", in: 0.1...120, unit: "seconds")
  var connectTimeout = 10.0
  @Option("ask before the body goes out (Expect: 100-continue); auto: over 64 KiB")
  var expect = ExpectPolicy.auto
  @Option("PEM file with the only authorities to trust, instead of the system's")
  var caFile: String? = nil
  @Option("the most that is read of an answer", in: 1_024...67_108_864, unit: "bytes")
  var maxAnswer = 1_048_576

  /// Every option with its default.
  public init() {}

  /// What the HTTP client is told.
  var settings: HTTPSettings {
    var settings = HTTPSettings()
    settings.deadline = timeout
    settings.connectTimeout = connectTimeout
    settings.expect = expect
    settings.caFile = caFile
    settings.answerLimit = maxAnswer
    return settings
  }
}
