import IntakeCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a series of images cost and how well the budget was used.
struct Tally {
  let budget: Int
  var failed = 0
  private var images = 0
  private var seconds = 0.0
  private var fullEncodes = 0
  private var samples = 0
  private var overBudget = 0
  /// Shares of the budget that were used where it made a difference.
  private var fills: [Double] = []

  init(budget: Int) { self.budget = budget }

  mutating func add(_ prepared: PreparedImage, seconds: Double) {
    images += 1
    self.seconds += seconds
    let attempts = prepared.report.attempts
    samples += attempts.filter(\.isSample).count
    fullEncodes += attempts.filter { !$0.isSample }.count
    if prepared.bytes.count > budget { overBudget += 1 }
    if attempts.count > 2 { fills.append(Double(prepared.bytes.count) / Double(budget)) }
  }

  var json: JSONOutput {
    let count = Double(max(images, 1))
    return .object([
      ("images", .integer(images)), ("failed", .integer(failed)),
      ("cpuMilliseconds", .decimal(rounded(seconds / count * 1000))),
      ("fullEncodes", .decimal(rounded(Double(fullEncodes) / count))),
      ("samples", .decimal(rounded(Double(samples) / count))),
      ("overBudget", .integer(overBudget)),
      ("fill", .decimal(rounded(fills.reduce(0, +) / Double(max(fills.count, 1))))),
      ("limited", .integer(fills.count)), ("peakMegabytes", .integer(peakMegabytes())),
    ])
  }

  private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

/// The bytes of a file; none when it cannot be read.
func contents(of path: String) -> [UInt8] {
  guard let file = fopen(path, "rb") else { return [] }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 1 << 20)
  while case let count = fread(&block, 1, block.count, file), count > 0 {
    bytes += block.prefix(count)
  }
  return bytes
}

/// Writes a result under the last part of its source's name.
func save(_ bytes: [UInt8], as source: String, in folder: String) {
  let name = source.split(separator: "/").last ?? "image"
  guard let file = fopen("\(folder)/\(name)", "wb") else { return }
  defer { fclose(file) }
  fwrite(bytes, 1, bytes.count, file)
}

/// Processor time of this process so far.
func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// The most memory this process has had.
func peakMegabytes() -> Int {
  var usage = rusage()
  #if canImport(Glibc)
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss >> 10
  #else
    getrusage(RUSAGE_SELF, &usage)
    return Int(usage.ru_maxrss) >> 20
  #endif
}
