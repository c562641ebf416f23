import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// Scans in other formats, made by the tools that people have, from the manifest to accepted rows with one option.
@Suite(.timeLimit(.minutes(20)))
struct ConversionTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private static let converter = Program.samples + "/stages/convert.py"
  /// The distribution's Python has the distribution's Pillow, whatever stands before it on PATH.
  private static let python = "/usr/bin/python3"

  private static let hasPillow = Interpreter.has(python, "-c", "import PIL")

  private func option(_ program: String = converter) -> [String] {
    ["--insert", "before:decode", "external program=\(program) accepts=file isolation=network"]
  }

  /// A manifest with a row for each format whose tool is there; the others are named.
  private func manifest(_ names: String...) throws -> (path: String, leftOut: String) {
    let launch = ProgramLaunch(
      [Self.python, Program.repository + "/Tests/Fixtures/make-foreign.py", folder.path + "/in"]
        + names,
      environment: ProgramLaunch.cleanEnvironment())
    let outcome = try launch.run(outputLimit: 1 << 20, seconds: 120)
    return (folder.path + "/in/customers.csv", String(decoding: outcome.errors, as: UTF8.self))
  }

  @Test(.enabled(if: hasPillow, "Pillow is not there"))
  func everyFormatGoesThroughWithOneOption() throws {
    let (manifest, leftOut) = try manifest()
    // Said aloud: a format without its tool is not tried here.
    if !leftOut.isEmpty { print("formats that were not tried:", leftOut) }
    let result = try program.start(["run", manifest, "--to", "sandbox"] + option()).wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.rows.count >= 7)
    let formats = [
      "heic": ("heic", "jpeg"), "avif": ("avif", "jpeg"), "pdf-of-jpegs": ("pdf", "pdf"),
      "pdf-page": ("jpeg", "pdf"), "pdf-drawn": ("pdf", "jpeg"), "fax": ("tiff", "jpeg"),
      "tiff-pages": ("tiff", "tiff"), "webp": ("webp", "jpeg"), "bmp": ("bmp", "jpeg"),
      "gif": ("gif", "jpeg"), "untouched": ("png", "jpeg"),
    ]
    for row in result.rows {
      let id = try #require(row["id"]?.string)
      let images = row["images"]
      let found = (
        images?["front"]?["source"]?["format"]?.string,
        images?["back"]?["source"]?["format"]?.string
      )
      #expect(found.0 == formats[id]?.0 && found.1 == formats[id]?.1, "\(id): \(found)")
    }
    // The pages of the document are the scans themselves, not pictures drawn of them.
    let pages = result.row("pdf-of-jpegs")?["images"]
    #expect(pages?["front"]?["source"]?["width"]?.integer == 3496)
    #expect(
      pages?["front"]?["sent"]?["bytes"]?.integer != pages?["back"]?["sent"]?["bytes"]?.integer)
    // A fax of 204 by 98 dots per inch comes out as high as the sheet was.
    if let fax = result.row("fax")?["images"]?["front"]?["source"] {
      #expect(fax["width"]?.integer == 1728 && fax["height"]?.integer == 2290)
    }
  }

  @Test(.enabled(if: hasPillow, "Pillow is not there"))
  func aPageThatIsNotThereIsNamed() throws {
    let (manifest, _) = try manifest("tiff-pages")
    var text = try #require(File.text(manifest))
    // What the row holds is hidden in what the program says, so it holds no word of that.
    text = text.replacing("tiff-pages@", with: "ann@").split(separator: "\n")
      .filter { $0.hasPrefix("id,") || $0.hasPrefix("tiff-pages") }
      .joined(separator: "\n").replacing(
        "pages.tif,pages.tif", with: "pages.tif#page=2,pages.tif#page=3")
    folder.write("in/three.csv", text)
    let result = try program.start(
      ["check", folder.path + "/in/three.csv", "--to", "dcams"] + option()
    ).wait()
    #expect(result.code == 3)
    #expect(
      result.errors.contains("convert.py: no_such_page: the file has 2 pages, not 3"),
      "\(result.errors)")
  }

  @Test(.enabled(if: hasPillow, "Pillow is not there"))
  func whatToInstallIsSaidWhenItIsMissing() throws {
    let script = try #require(File.text(Self.converter))
    let path = folder.write(
      "convert.py", script.replacing("/usr/local/bin:/usr/bin:/bin", with: folder.path))
    try DurableFile.makeExecutable(path)
    folder.write("scan.pdf", "%PDF-1.4 and nothing else")
    let result = try check("scan.pdf", option(path))
    #expect(
      result.errors.contains("missing_tool: pdfinfo is missing: apt install poppler-utils"),
      "\(result.errors)")
  }

  @Test(arguments: [
    ("heic", "\0\0\0\u{18}ftypheic and more of it"), ("pdf", "%PDF-1.7 and more of it"),
  ])
  func theRefusalNamesTheWayOut(format: String, content: String) throws {
    folder.write("scan." + format, content)
    let result = try check("scan." + format, [])
    #expect(result.code == 3)
    #expect(result.errors.contains("the file is \(format.uppercased()), not JPEG or PNG"))
    #expect(
      result.errors.contains(
        "--insert before:decode 'external program=samples/stages/convert.py accepts=file isolation=network'"
      ), "\(result.errors)")
  }

  @Test func anInstalledProgramNamesTheConverterBesideIt() throws {
    let prefix = folder.path + "/usr"
    #expect(try program.run("install", "--prefix", prefix).code == 0)
    try DurableFile.makeFolder(prefix + "/share/doc/docintake/samples/stages")
    let path = folder.write("usr/share/doc/docintake/samples/stages/convert.py", "")
    folder.write("scan.pdf", "%PDF-1.7 and more of it")
    var installed = program
    installed.executable = prefix + "/bin/docintake"
    let result = try check("scan.pdf", [], by: installed)
    #expect(
      result.errors.contains("'external program=\(path) accepts=file isolation=network'"),
      "\(result.errors)")
  }

  /// Telephones say twice how a picture is turned, in the container and in EXIF: it must be turned once.
  @Test(
    .enabled(if: Interpreter.has("heif-convert", "--help"), "heif-convert is not there"))
  func aTurnedHEICStandsUpright() throws {
    let fixture = Program.repository + "/Tests/Fixtures/images/turned.heic"
    folder.write("scan.heic", try Descriptor.open(fixture).wholeFile(atMost: 1 << 20))
    let result = try check("scan.heic", option())
    #expect(result.code == 0, "\(result.errors)")
    let sent = result.rows.first?["images"]?["front"]?["sent"]
    #expect(sent?["width"]?.integer == 360 && sent?["height"]?.integer == 480, "\(result.output)")
  }

  /// A page of a JPEG is a mistake, not the only picture.
  @Test func aPageOfAPictureIsRefused() throws {
    folder.write("scan.jpg", TinyScan.bytes)
    let result = try check("scan.jpg#page=2", [])
    #expect(
      result.errors.contains("page 2 is meant, and a JPEG has one picture"), "\(result.errors)")
    #expect(try check("scan.jpg#page=1", []).code == 0)
  }

  private func check(_ front: String, _ options: [String], by program: Program? = nil) throws
    -> Program.Result
  {
    folder.write(
      "batch.csv",
      "id,email,fn,ln,addr,zip,country,dob,phone,front\n"
        + "1,ann@example.com,Ann,Lee,1 Main Street,97301,US,1983-04-17,5035550101,\(front)\n")
    return try (program ?? self.program).start(
      ["check", folder.path + "/batch.csv", "--to", "dcams"] + options
    ).wait()
  }
}

private enum File {
  static func text(_ path: String) -> String? {
    (try? Descriptor.open(path).wholeFile(atMost: 1 << 20)).map {
      String(decoding: $0, as: UTF8.self)
    }
  }
}
