/// The rules of protocol 1, each with the section of `samples/stages/README.md` that holds it.
extension ConformanceRule {
  private static func program(_ name: String, _ statement: String, _ section: String)
    -> ConformanceRule
  {
    ConformanceRule(name, statement, see: "samples/stages/README.md, \"\(section)\"")
  }

  static let file = program("file", "is executable, and nobody else can change it", "The program")
  static let greeting = program(
    "greeting", "answers hello with ready for version 1 and what it accepts", "Greeting")
  static let item = program("item", "answers an item with result, pass or reject", "Items")
  static let secondFormat = program("formats", "answers PNG and gray images, too", "Items")
  static let orientation = program(
    "orientation", "keeps the EXIF orientation of a picture, or turns its pixels", "Items")
  static let series = program("series", "answers one item after the other in one process", "Items")
  static let once = program("once", "answers each item once and is silent in between", "Items")
  static let repeatable = program(
    "repeatable", "gives the same answer to the same item", "Items")
  static let identifier = program("identifier", "gives back the id as it came", "Items")
  static let unknown = program(
    "unknown", "ignores kinds and keys that it does not know", "What may come")
  static let empty = program("empty", "answers an item without bytes", "What may come")
  static let truncated = program("truncated", "answers an image that ends early", "What may come")
  static let rubbish = program("rubbish", "answers bytes that are no image", "What may come")
  static let huge = program("huge", "answers an item of 16 MiB", "What may come")
  static let end = program("end", "ends by itself, with code 0, when its input ends", "The end")
  static let cut = program("cut", "ends when its input ends inside an item", "The end")
  static let remains = program(
    "remains", "leaves no process behind in a session of its own", "The end")
}
