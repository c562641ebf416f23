import IntakeCommand
import IntakeImaging

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// The command with a decoder that was taken over: a picture that names a fault makes the process that decodes it do
// what the code of an attacker would. Built for tests alone.

if let parent = DecoderWorker.parent(of: CommandLine.arguments) {
  DecoderWorker.run(for: parent) { file in
    if let fault = Fault(namedIn: file) { fault.strike(parent) }
  }
}
IntakeCommand.main(.builtin)

/// What a picture can ask for by `planted fault: NAME.` anywhere in its bytes.
enum Fault: String {
  case readPasswords, readEnvironment, readMemory, connect, execute, fork, writeEverywhere
  case mapCode, allowCode, raiseLimit, signalParent, loop, allocate, wait
  case crash, abort, leave, babble, announceMuch, overfill, lieAboutSize, hideText

  init?(namedIn file: [UInt8]) {
    let mark = Array("planted fault: ".utf8)
    guard let start = file.firstRange(of: mark)?.upperBound else { return nil }
    self.init(rawValue: String(decoding: file[start...].prefix { $0 != 0x2E }, as: UTF8.self))
  }

  /// Does it, and goes on decoding where the system lets it.
  func strike(_ parent: Int32) {
    switch self {
    case .readPasswords: take("/etc/passwd")
    case .readEnvironment: take("/proc/\(parent)/environ")
    case .readMemory: take("/proc/\(parent)/mem")
    case .connect: _ = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    case .execute: execve("/bin/true", [nil], [nil])
    case .fork: _ = Glibc.system("true")
    case .writeEverywhere: for number in Int32(0)..<64 { _ = write(number, "x", 1) }
    case .mapCode:
      _ = mmap(nil, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    case .allowCode:
      let page = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      _ = mprotect(page, 4096, PROT_READ | PROT_EXEC)
    case .raiseLimit:
      var limit = rlimit(rlim_cur: 1, rlim_max: 1)
      _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    case .signalParent: _ = kill(parent, SIGKILL)
    case .loop: while true {}
    case .allocate: allocateWithoutEnd()
    case .wait:
      var byte: UInt8 = 0
      while read(0, &byte, 1) > 0 {}
    case .crash: raiseFault()
    case .abort: Glibc.abort()
    case .leave: exit(0)
    case .babble: send([UInt8](repeating: 0xAB, count: 4096))
    case .announceMuch: send(numbers: [1, 1, 2, 4 << 30])
    case .overfill: send(numbers: [5, 1, 2, 85, 64, 48, 0, 20_000_000])
    case .lieAboutSize: send(numbers: [1, 3, 1, 1 << 20, 1 << 20, 1 << 20])
    case .hideText: send(numbers: [5, 1, 2, 85, 64, 48, 0, 8], Array("customer".utf8))
    }
  }

  private func take(_ path: String) {
    let file = open(path, O_RDONLY)
    var room = [UInt8](repeating: 0, count: 4096)
    send(Array(room.prefix(max(0, read(file, &room, room.count)))))
  }

  private func raiseFault() {
    let nowhere = UnsafeMutablePointer<UInt8>(bitPattern: 8)
    nowhere?.pointee = 1
  }

  private func allocateWithoutEnd() {
    while let block = malloc(1 << 20) { memset(block, 1, 1 << 20) }
    raiseFault()
  }

  /// An answer that announces what the numbers say, with the bytes after it.
  private func send(numbers: [Int], _ bytes: [UInt8] = []) {
    send(numbers.withUnsafeBytes { Array($0) } + bytes)
  }

  private func send(_ bytes: [UInt8]) { _ = write(0, bytes, bytes.count) }
}
