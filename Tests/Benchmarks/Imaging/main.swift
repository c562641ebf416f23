import IntakeCore
import IntakeImaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// Prepares the given images one after another and prints one JSON line with what that cost.
//   swift run -c release imaging-bench [--edge N] [--max-bytes N] [--min-quality N] [--output FOLDER] FILE…

var shrinker = ImageShrinker()
var files: [String] = []
var output: String?
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
  switch argument {
  case "--edge": shrinker.edge = arguments.popFirst().flatMap { Int($0) } ?? shrinker.edge
  case "--max-bytes":
    shrinker.maximumBytes = arguments.popFirst().flatMap { Int($0) } ?? shrinker.maximumBytes
  case "--min-quality":
    shrinker.minimumQuality = arguments.popFirst().flatMap { Int($0) } ?? shrinker.minimumQuality
  case "--output": output = arguments.popFirst()
  default: files.append(argument)
  }
}

var tally = Tally(budget: shrinker.maximumBytes)
for file in files {
  let bytes = contents(of: file)
  let start = processorSeconds()
  do {
    let image = DocumentImage(
      side: .front, file: file, header: try ImageHeader(reading: bytes), bytes: bytes,
      codec: ImageCodec())
    let prepared = try shrinker.prepare(image)
    tally.add(prepared, seconds: processorSeconds() - start)
    if let output { save(prepared.bytes, as: file, in: output) }
  } catch {
    tally.failed += 1
  }
}
print(tally.json.text)
