import Glibc
import IntakeCore
import IntakeSystem
import IntakeTesting
import Synchronization
import TestSupport

@testable import ExternalStage

/// A program that a test writes into a folder of its own, and the stage that runs it.
final class Script: Sendable {
  let folder: String
  let path: String

  /// A script in any language; it begins with its `#!` line.
  init(_ text: String, mode: mode_t = 0o755) throws {
    var template = Array("/tmp/docintake-external-XXXXXX\0".utf8CString.dropLast())
    guard mkdtemp(&template) != nil else { throw SystemCallFailure("mkdtemp") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // Unique and at most 15 bytes long, so that it is the process's name as well.
    path = folder + "/x" + folder.suffix(6)
    let file = try AppendOnlyFile.open(path, .creating)
    try file.append(Array(text.utf8))
    chmod(path, mode)
  }

  /// The file's name, under which it is named in messages and in the list of processes.
  var name: String { "x" + folder.suffix(6) }

  /// Processes of this program that there are, zombies and grandchildren included.
  var processes: [String] { OwnProcess.all(named: name) }

  /// Those that stay: one that was killed gets a moment to go.
  var left: [String] {
    for _ in 0..<1_000 where !processes.isEmpty { usleep(10_000) }
    return processes
  }

  deinit {
    unlink(path)
    rmdir(folder)
  }

  /// A Python program around the body of a loop over items; `answer(kind, **fields)` answers.
  ///
  /// Interpreted without site packages: 20 ms to start instead of 60.
  convenience init(python body: String, start: String = "", ready: String? = nil) throws {
    let ready =
      ready
      ?? #"{"intake":1,"kind":"ready","name":"t","accepts":["file","image","prepared","submission"]}"#
    let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
      .map { "    " + $0 }.joined(separator: "\n")
    try self.init(
      """
      #!\(Interpreter.python) -IS
      import json, os, signal, sys, time
      i, o = sys.stdin.buffer, sys.stdout.buffer
      def send(line, data=b""):
          o.write(line.encode() + b"\\n" + data); o.flush()
      def answer(kind, data=b"", **fields):
          send(json.dumps({"kind": kind, "id": item["id"], **fields}), data)
      def result(data):
          answer("result", data, image={"format": "jpeg", "width": 1, "height": 1, "bytes": len(data)})
      hello = json.loads(i.readline())
      \(start)
      send('\(ready)')
      n = 0
      for line in i:
          item = json.loads(line)
          if item.get("kind") != "item": continue
          n += 1
          part = item["submission"]["body"] if "submission" in item else item["image"]
          data = i.read(part["bytes"])
      \(lines)
      """)
  }
}

/// Runs items through an external stage and remembers what was logged.
final class Bench<Item: ItemKind>: Sendable {
  let stage: ExternalStage<Item>
  let script: Script
  let lines = Mutex<[(LogLevel, String)]>([])
  /// What is hidden in the program's words.
  let mask = Mutex(TextMask.nothing)

  init(_ script: Script, _ options: [String: OptionValue] = [:]) throws {
    self.script = script
    var values = options
    values["accepts"] = .text(Item.name.rawValue)
    if values["program"] == nil { values["program"] = .list([script.path]) }
    stage = try ExternalStage(given: values)
  }

  func context(budget: Int? = nil) -> StageContext {
    let mask = mask.withLock(\.self)
    return StageContext(
      row: RowReference(line: 2), side: .front, imageBudget: budget,
      log: { level, text in self.lines.withLock { $0.append((level, text)) } }, mask: { mask })
  }

  func run(_ value: Item.Value, budget: Int? = nil) throws -> Item.Value {
    try stage.run(value, in: context(budget: budget))
  }

  /// The failure of an item, nil when it went well.
  func failure(_ value: Item.Value, budget: Int? = nil) -> StageFailure? {
    do {
      _ = try run(value, budget: budget)
      return nil
    } catch {
      return error as? StageFailure ?? StageFailure(.internalError, "\(error)")
    }
  }

  var logged: [String] { lines.withLock { $0.map(\.1) } }
}
