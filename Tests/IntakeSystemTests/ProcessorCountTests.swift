import TestSupport
import Testing

@testable import IntakeSystem

/// The processors that work is shared among, in containers too.
struct ProcessorCountTests {
  private let folder = TemporaryFolder()

  /// The limit that a system with these files sets.
  private func limit(_ groups: String, _ files: [String: String]) -> Int? {
    for (path, text) in files.merging(["proc/self/cgroup": groups], uniquingKeysWith: { $1 }) {
      let folders = path.split(separator: "/").dropLast()
      for count in 1...folders.count {
        _ = folder.folder(folders.prefix(count).joined(separator: "/"))
      }
      folder.write(path, text)
    }
    return ControlGroups(root: folder.path).processorLimit
  }

  @Test(arguments: [
    ("max 100000\n", nil), ("100000 100000\n", 1), ("150000 100000\n", 2), ("50000 100000\n", 1),
    ("400000 100000\n", 4), ("25000 50000\n", 1), ("9223372036854775807 1\n", Int.max), ("", nil),
    ("0 100000\n", nil), ("100000 0\n", nil), ("-1 100000\n", nil), ("100000\n", nil),
    ("a b\n", nil), ("99999999999999999999 100000\n", nil),
  ])
  func theQuotaOfVersionTwoIsRoundedUp(_ text: String, _ expected: Int?) {
    #expect(limit("0::/\n", ["sys/fs/cgroup/cpu.max": text]) == expected)
  }

  @Test func theGroupAboveMayGrantLess() {
    let files = [
      "sys/fs/cgroup/a/b/cpu.max": "800000 100000\n", "sys/fs/cgroup/a/cpu.max": "300000 100000\n",
      "sys/fs/cgroup/cpu.max": "max 100000\n",
    ]
    #expect(limit("0::/a/b\n", files) == 3)
  }

  @Test func aGroupUnderThePathOfTheHostIsFoundAtTheTop() {
    let files = ["sys/fs/cgroup/cpu.max": "200000 100000\n"]
    #expect(limit("0::/kubepods/pod1/abc\n", files) == 2)
  }

  @Test(arguments: [("150000", "100000", 2), ("-1", "100000", nil), ("20000", "100000", 1)])
  func theQuotaOfVersionOneIsReadToo(_ quota: String, _ period: String, _ expected: Int?) {
    let folder = "sys/fs/cgroup/cpu,cpuacct/docker/x"
    let files = [
      "\(folder)/cpu.cfs_quota_us": quota + "\n", "\(folder)/cpu.cfs_period_us": period + "\n",
    ]
    let groups = "9:name=systemd:/\n3:cpuset:/x\n2:cpu,cpuacct:/docker/x\n0::/\n"
    #expect(limit(groups, files) == expected)
  }

  /// A thread of its own is confined to one processor, as `taskset` confines a program.
  @Test func asManyAsTheAffinityAllows() async {
    let counts = await withCheckedContinuation { continuation in
      let isStarted = SystemThread.start {
        let before = ProcessorCount.usable
        let thread = ProgramTrust.resolved("/proc/thread-self").split(separator: "/").last ?? ""
        let launch = ProgramLaunch(
          ["/usr/bin/env", "taskset", "--pid", "--cpu-list", "0", String(thread)],
          environment: ProgramLaunch.cleanEnvironment())
        guard case .success(.exited(0))? = try? launch.run(outputLimit: 4096, seconds: 20).end
        else { return continuation.resume(returning: (before, 0)) }
        continuation.resume(returning: (before, ProcessorCount.usable))
      }
      #expect(isStarted)
    }
    #expect(counts.0 >= counts.1)
    #expect(counts.1 == 1)
  }
}
