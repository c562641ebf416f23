import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How many processors this process may use, which decides how many threads and programs share the work.
public enum ProcessorCount {
  /// Those that its affinity allows (`taskset`, cpusets), and no more than its control groups grant; at least 1.
  public static var usable: Int {
    let allowed = Int(csystem_allowed_processors())
    let present = allowed > 0 ? allowed : sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return max(1, min(present, ControlGroups().processorLimit ?? .max))
  }
}

/// The processor time that control groups grant, which is how containers are limited (`--cpus`, `limits.cpu`).
struct ControlGroups {
  /// The folder that stands for `/`.
  var root = ""

  /// Whole processors, rounded up, of the group that grants least among the process's own and those above it; nil
  /// without a limit.
  var processorLimit: Int? {
    (text("/proc/self/cgroup") ?? "").split(separator: "\n").compactMap(limit(ofLine:)).min()
  }

  /// A line is `number:controllers:path`; version 2 names no controllers.
  private func limit(ofLine line: Substring) -> Int? {
    let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let controllers = parts[1]
    guard !controllers.isEmpty else { return least(of: parts[2], below: "/sys/fs/cgroup", quota) }
    guard controllers.split(separator: ",").contains("cpu") else { return nil }
    return ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/\(controllers)"].compactMap {
      least(of: parts[2], below: $0, oldQuota)
    }.min()
  }

  /// The least of a group and those above it.
  ///
  /// A container often sees its own group as the topmost, under a path that only the host knows.
  private func least(of path: Substring, below mount: String, _ limit: (String) -> Int?) -> Int? {
    var path = path
    var found = limit(mount)
    while let slash = path.lastIndex(of: "/") {
      if let here = limit(mount + path) { found = min(found ?? here, here) }
      path = path[..<slash]
    }
    return found
  }

  /// Version 2: `quota period` in microseconds, or `max period`.
  private func quota(_ folder: String) -> Int? {
    let numbers = text(folder + "/cpu.max")?.split { $0 == " " || $0 == "\n" }.map { Int($0) }
    guard let numbers, numbers.count == 2 else { return nil }
    return processors(numbers[0], numbers[1])
  }

  /// Version 1: two files of microseconds; -1 for no limit.
  private func oldQuota(_ folder: String) -> Int? {
    processors(number(folder + "/cpu.cfs_quota_us"), number(folder + "/cpu.cfs_period_us"))
  }

  private func processors(_ quota: Int?, _ period: Int?) -> Int? {
    guard let quota, let period, quota > 0, period > 0 else { return nil }
    return (quota - 1) / period + 1
  }

  private func number(_ path: String) -> Int? {
    text(path).flatMap { Int($0.prefix { $0 != "\n" }) }
  }

  /// The beginning of a file; those of the kernel say that they have 0 bytes.
  private func text(_ path: String) -> String? {
    guard let file = try? Descriptor.open(root + path) else { return nil }
    let bytes = [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
      count = max(0, systemRead(file.number, UnsafeMutableRawBufferPointer(buffer)))
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
