import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The sandbox's pages and a report as a real browser shows them; skipped where Chromium is not installed.
@Suite(
  .timeLimit(.minutes(20)), .serialized,
  .enabled(if: Browser.isInstalled, "chromium is not installed: apt-get install chromium"))
struct BrowserTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private static let nasty =
    "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"

  /// Runs the browser on a page and gives what it printed.
  private func browse(_ address: String, _ options: String...) async throws -> String {
    var program = Program(folder: folder)
    program.executable = Browser.path
    let profile = folder.path + "/profile"
    let common = [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
      "--disable-background-networking", "--no-first-run", "--user-data-dir=\(profile)",
      "--window-size=1120,1400", "--hide-scrollbars", "--virtual-time-budget=3000",
    ]
    let result = try await program.start(common + options + [address]).wait(seconds: 60)
    #expect(result.code == 0, "\(result.errors.suffix(400))")
    return result.output
  }

  /// A sandbox that holds one customer of each API, both with scans of two sides.
  private func filled() async throws -> SandboxProcess {
    let sandbox = try await SandboxProcess(folder)
    let dcams = folder.write("dcams.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let noah = folder.write("noah.json", #"{"apiKey":"apikey_sandbox_x"}"#)
    let name = "\"" + BrowserTests.nasty + "\""
    let scans = "images/small-front.jpg,images/gray-back.png"
    let first = folder.write(
      "dcams.csv",
      "email,fn,ln,addr,city,state,zip,dob,phone,reference,front,back\nann@example.com,\(name),"
        + "Lee,48 Harbor Row,Portland,ME,04101,1987-03-14,2075550142,INV-48213,\(scans)\n")
    let second = folder.write(
      "noah.csv",
      "id,fn,ln,addr,city,state,zip,country,dob,id_type,id_number,id_country,front,back\n"
        + "N-1,Ann,\"<script>x</script>\",1 Elm,Salem,OR,97301,US,1990-05-21,Passport,S1,US,\(scans)\n"
    )
    for words in [
      [first, "--to", "dcams", "--endpoint", sandbox.endpoint, "--credentials", dcams],
      [
        second, "--to", "noah", "--endpoint", sandbox.address + "/v1", "--credentials", noah,
        "--set", "noah.documents=upload",
      ],
    ] {
      let result = try await program.start(
        ["run", "--images-root", Program.samples] + words
      ).wait()
      #expect(result.code == 0, "\(result.errors)")
    }
    let status = try await program.start([
      "customer", "set-status", "--status", "PASS", "--email", "ann@example.com", "--to",
      "sandbox", "--endpoint", sandbox.endpoint,
    ]).wait()
    #expect(status.code == 0, "\(status.errors)")
    return sandbox
  }

  @Test func pagesRunNoneOfWhatArrived() async throws {
    let sandbox = try await filled()
    let dcams = try await browse(sandbox.address + "/admin/customers.php?id=100001", "--dump-dom")
    #expect(dcams.contains("<title>Customer 100001 – sandbox</title>"))
    #expect(dcams.contains("&lt;script&gt;document.title='owned'&lt;/script&gt;"))
    #expect(!dcams.contains("<script") && !dcams.contains("javascript:"))
    #expect(!dcams.contains("<img src=\"x\""))
    for part in ["1987", "PASS", "900 × 600 px", "1800 × 1200 px", "created with", "SHA-256"] {
      #expect(dcams.contains(part), "the page lacks \(part)")
    }
    let noah = try await browse(sandbox.address + "/admin/customers.php?id=100002", "--dump-dom")
    for part in ["N-1", "Passport uploaded, front", "Passport uploaded, back", "Approved"] {
      #expect(noah.contains(part), "the page of Noah's customer lacks \(part)")
    }
  }

  /// Measures a page in a frame, because a window cannot be that narrow.
  ///
  /// The pages themselves run no script, so a copy of each is measured from outside.
  private func expectToFit(_ page: String, width: Int, _ name: String) async throws {
    let script = """
      <script>onload = () => { const page = document.getElementById('page').contentDocument.documentElement;
      document.title = 'width ' + page.scrollWidth + (page.scrollHeight > 300 ? '' : ', empty') }</script>
      """
    let text = page.replacing("&", with: "&amp;").replacing("\"", with: "&quot;")
    let frame = folder.write(
      "frame.html",
      "\(script)<iframe id=page style=\"border:0;width:\(width)px;height:200px\" srcdoc=\"\(text)\"></iframe>"
    )
    let shown = try await browse("file://" + frame, "--dump-dom", "--window-size=1400,900")
    #expect(shown.contains("<title>width \(width)</title>"), "\(name): \(shown.prefix(300))")
  }

  @Test(arguments: [390, 1100])
  func pagesFitTheScreen(width: Int) async throws {
    let sandbox = try await filled()
    let style = "<style>" + (try LocalHTTP.get(sandbox.address, "/admin/style.css")) + "</style>"
    for path in ["/", "/admin/customers.php?id=100001", "/admin/customers.php?id=100002"] {
      let page = try LocalHTTP.get(sandbox.address, path)
      let link = "<link rel=\"stylesheet\" href=\"/admin/style.css\">"
      #expect(page.contains(link))
      try await expectToFit(page.replacing(link, with: style), width: width, path)
    }
  }

  /// The morning after a bad night: 1,774 rows were not accepted, for three reasons, and their ids are hostile.
  @Test func aReportFitsATelephoneAndFewPages() async throws {
    let batch = CustomerBatch(rows: 2_000, in: folder)
    batch.write { number, cells in
      guard number < 1_774 else { return }
      cells[0] = "<b>R</b>\"'&-\(number)-" + String(repeating: "x", count: number % 90)
      switch number % 3 {
      case 0: cells[5] = "19831317"
      case 1: cells[6] = "images/\(number)/none.jpg"
      default: cells[1] = "canary-\(number)"
      }
    }
    let sandbox = try await SandboxProcess(folder)
    let run = try await program.start(batch.arguments(sandbox)).wait()
    #expect(run.code == 3, "\(run.errors)")
    let file = folder.path + "/report.html"
    let report = try await program.run(
      "report", batch.ledger, "--html", file, "--manifest", batch.manifest)
    #expect(report.code == 0, "\(report.errors)")
    let page = String(
      decoding: try Descriptor.open(file).wholeFile(atMost: 2_000_000), as: UTF8.self)
    #expect(page.contains("1,774") && !page.contains("<b>R</b>") && !page.contains("<script"))
    for width in [390, 1100] { try await expectToFit(page, width: width, "report") }
    let print = folder.path + "/report.pdf"
    _ = try await browse("file://" + file, "--print-to-pdf=\(print)", "--no-pdf-header-footer")
    let pages = String(
      decoding: try Descriptor.open(print).wholeFile(atMost: 16 << 20), as: UTF8.self
    ).ranges(of: "/Type /Page\n").count
    #expect((2...12).contains(pages), "\(pages) pages")
  }

  /// No page holds a script and the policy forbids any, so what is drawn is drawn without them.
  ///
  /// With `DOCINTAKE_SCREENSHOTS=FOLDER` the pictures stay there.
  @Test func pagesAreDrawn() async throws {
    let sandbox = try await filled()
    for (name, path) in [
      ("dcams", "/admin/customers.php?id=100001"), ("noah", "/admin/customers.php?id=100002"),
      ("list", "/"),
    ] {
      let file = folder.path + "/\(name).png"
      _ = try await browse(sandbox.address + path, "--screenshot=\(file)")
      let bytes = try Descriptor.open(file).wholeFile(atMost: 16 << 20)
      #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
      // A page that is drawn with two photographs in it takes far more than one of text alone.
      #expect(bytes.count > (name == "list" ? 20_000 : 150_000), "\(bytes.count) bytes")
      if let keep = getenv("DOCINTAKE_SCREENSHOTS") {
        Screenshot.write(bytes, to: String(cString: keep) + "/\(name).png")
      }
    }
  }
}

private enum Browser {
  static let path = "/usr/bin/chromium"
  static var isInstalled: Bool { access(path, X_OK) == 0 }
}

/// Puts a screenshot where a person can look at it.
private enum Screenshot {
  static func write(_ bytes: [UInt8], to path: String) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    _ = RawDescriptor.write(bytes, to: file)
    close(file)
  }
}
