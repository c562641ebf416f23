import Dispatch
import Glibc
import IntakeCore
import IntakeSystem
import IntakeTesting
import Synchronization
import TestSupport
import Testing

@testable import ExternalStage

/// A batch in which every second item goes wrong, in eight ways by turns: nothing stays behind.
@Suite(.timeLimit(.minutes(20))) struct MassFailureTests {
  /// 1,000 take most of a minute, most of it spent waiting for programs that hang; 160 show the same in seconds.
  private static let badItems = SlowTests.areWanted ? 1_000 : 160

  private static let ways = [
    "crash", "hang", "flood of output", "flood of messages", "two answers", "wrong id",
    "early close", "child with the pipe",
  ]

  fileprivate struct Tally {
    var started = 0
    var good = 0
    var bad: [FailureCode: Int] = [:]
    var fatal = 0
  }

  /// Opening a FIFO that nobody writes to blocks the shell itself, so that no other program is left over.
  private static func script(bytes: Int) -> String {
    #"""
    #!/bin/sh
    read -r hello
    echo '{"intake":1,"kind":"ready","name":"t","accepts":["image"]}'
    while read -r line; do
      head -c \#(bytes) >/dev/null
      id=${line#*\"id\":\"}; id=${id%%\"*}
      pass="{\"kind\":\"pass\",\"id\":\"$id\"}"
      case $((id % 2 * (1 + id / 2 % 8))) in
      0) echo "$pass" ;;
      1) kill -SEGV $$ ;;
      2) : <"$0.fifo" ;;
      3) exec cat /dev/zero ;;
      4) head -c 300000 /dev/zero >&2; exit 9 ;;
      5) printf '%s\n%s\n' "$pass" "$pass" ;;
      6) echo '{"kind":"pass","id":"0"}' ;;
      7) exec >&-; : <"$0.fifo" ;;
      8) (: <"$0.fifo") & exit 1 ;;
      esac
    done
    """#
  }

  @Test func aThousandBadItemsLeaveNothingBehind() async {
    // In a process of its own, for other tests open files meanwhile.
    await #expect(processExitsWith: .success) { try await MassFailureTests().failAThousand() }
  }

  private func failAThousand() async throws {
    let jpeg = try SampleImage.jpeg(width: 32, height: 32)
    let script = try Script(Self.script(bytes: jpeg.count))
    #expect(mkfifo(script.path + ".fifo", 0o600) == 0)
    defer { unlink(script.path + ".fifo") }
    let image = try SampleImage.document(jpeg)
    // Four faults in a row would give the program up; with two items at once, every second of them good,
    // there are three at most.
    let bench = try Bench<ImageItem>(script, ["timeout": .number(1), "processes": .integer(2)])
    try await bench.stage.prepare()
    let (before, start) = (OwnProcess.descriptors, SystemTime.monotonic)
    let tally = await run(2 * Self.badItems, image, bench)
    let leaked = OwnProcess.descriptors - before
    await bench.stage.finish()
    let left = script.left
    print(
      "\(Self.badItems) bad items in \(Self.ways.count) ways among \(tally.started) in",
      "\(Int(SystemTime.monotonic - start)) s: \(tally.good) good, \(tally.bad), \(left.count) processes",
      "and \(leaked) descriptors left")
    #expect(tally.good == Self.badItems)
    #expect(tally.bad[.stageTimeout] == Self.badItems / Self.ways.count)
    #expect(tally.bad.values.reduce(0, +) == Self.badItems)
    #expect(tally.fatal == 0)
    #expect(left == [])
    // The two processes of the last items may still stand; a leak would be three for each that was started.
    #expect(leaked <= 6)
  }

  private func run(_ count: Int, _ image: DocumentImage, _ bench: Bench<ImageItem>) async -> Tally {
    let tally = Mutex(Tally())
    await withCheckedContinuation { next in
      let done = DispatchGroup()
      for _ in 1...2 {
        done.enter()
        _ = SystemThread.start {
          while tally.withLock({ $0.take(of: count) }) {
            let failure = bench.failure(image)
            tally.withLock { $0.add(failure) }
          }
          done.leave()
        }
      }
      done.notify(queue: .global()) { next.resume() }
    }
    return tally.withLock { $0 }
  }
}

extension MassFailureTests.Tally {
  fileprivate mutating func take(of count: Int) -> Bool {
    guard started < count else { return false }
    started += 1
    return true
  }

  fileprivate mutating func add(_ failure: StageFailure?) {
    guard let failure else { return good += 1 }
    if failure.outcome == .fatal { fatal += 1 }
    bad[failure.code, default: 0] += 1
  }
}
