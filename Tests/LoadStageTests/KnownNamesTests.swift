import IntakeCore
import IntakeSystem
import TestSupport
import Testing

@testable import LoadStage

/// Headers as people, shops and address books write them.
struct KnownNamesTests {
  @Test func noNameStandsForTwoColumns() {
    for (column, names) in KnownNames.table {
      for name in names {
        #expect(KnownNames.column(of: name)?.column == ColumnName(column), "\(name)")
      }
    }
    #expect(KnownNames.table.map(\.column) == Column.allCases)
  }

  @Test func theDocumentationHasTheSameTable() throws {
    let page = Program.repository + "/Sources/IntakeCore/IntakeCore.docc/Manifests.md"
    let text = String(decoding: try Descriptor.open(page).wholeFile(atMost: 1 << 20), as: UTF8.self)
    for (column, names) in KnownNames.table {
      #expect(text.contains("| `\(column.rawValue)` | \(names.joined(separator: ", ")) |"))
    }
  }

  @Test(arguments: [
    ("First Name", Column.fn), ("first_name", .fn), ("FIRSTNAME", .fn), ("firstName", .fn),
    ("First  Name *", .fn), ("E-mail", .email),
    ("e mail address", .email), ("DOB", .dob), ("Date of Birth (MM/DD/YYYY)", .dob),
    ("D.O.B", .dob), ("Zip Code", .zip), ("postcode", .zip), ("Zip/Postal Code", .zip),
    ("Vorname", .fn), ("STRASSE", .addr), ("Straße", .addr), ("Geburtsdatum:", .dob),
    ("Código Postal", .zip), ("Codigo postal", .zip), ("Prénom", .fn), ("PRENOM", .fn),
    ("Default Address City", .city), ("Billing Postcode", .zip), ("Mailing Country", .country),
    ("Customer Phone", .phone), ("Zip\u{A0}Code", .zip),
    ("\u{FEFF}First Name", .fn), ("Phone\u{200B} Number", .phone), ("id type", .idType),
  ])
  func namesAreKnownInAnyForm(name: String, column: Column) {
    #expect(KnownNames.column(of: name)?.column == ColumnName(column))
  }

  @Test(arguments: [
    "Tags", "Total Spent", "Name", "Accepts Email Marketing", "Note", "", "()", "1984-04-17",
  ])
  func otherNamesAreNot(name: String) { #expect(KnownNames.column(of: name) == nil) }

  private let human =
    "ID,E-mail,First Name,Last Name,DOB,Zip Code,Shoe Size\n1,a@b.example,Ada,Lee,19800102,97301,38\n"

  @Test func theErrorHasTheOptionsThatReadTheHeader() async throws {
    let error = await #expect(throws: StageFailure.self) { _ = try await Workshop.load(human) }
    let remedy = try #require(error?.remedy)
    #expect(
      remedy == [
        "--map", "E-mail=email", "--map", "First Name=fn", "--map", "Last Name=ln", "--map",
        "Zip Code=zip", "--ignore-column",
        "Shoe Size",
      ])
    var map: [String: String] = [:]
    var ignored: [String] = []
    for index in stride(from: 0, to: remedy.count, by: 2) {
      if remedy[index] == "--map", let (name, column) = remedy[index + 1].halves(at: "=") {
        map[name] = column
      } else {
        ignored.append(remedy[index + 1])
      }
    }
    let loaded = try await Workshop.load(
      human, ["map": .table(map), "ignore-columns": .list(ignored)])
    #expect(loaded.cells(.zip) == ["97301"] && loaded.warnings.isEmpty)
  }

  @Test func oneOptionTakesThemAllAndSaysWhat() async throws {
    let loaded = try await Workshop.load(human, ["map-known": .flag(true)])
    #expect(loaded.cells(.fn) == ["Ada"] && loaded.cells(.dob) == ["19800102"])
    #expect(loaded.notices.contains { $0.contains(#""First Name" as "fn""#) })
    #expect(loaded.notices.contains(#"column "Shoe Size" is ignored"#))
  }

  @Test func aMisspeltColumnIsAnErrorAllTheSame() async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load("id,emial,First Name\n", ["map-known": .flag(true)])
    }
    #expect(error?.detail.contains("emial") == true && error?.detail.contains("First") == false)
    #expect(error?.remedy == ["--map", "emial=email"])
  }

  @Test(arguments: [
    "Mobile,phone,Home Phone\nA,1234567,B\n", "Home Phone,Mobile,Phone Number\nA,B,1234567\n",
    "Default Address Phone,Phone\nA,1234567\n",
  ])
  func theColumnsOwnNameWinsThenTheMoreUsualOne(text: String) async throws {
    let loaded = try await Workshop.load(
      "id," + text.replacing("\n", with: "\n9,", maxReplacements: 1), ["map-known": .flag(true)])
    #expect(loaded.cells(.phone) == ["1234567"])
  }

  @Test func aNameInOneColumnIsNotDroppedSilently() async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load("id,Full Name\n1,Ada Lee\n", ["map-known": .flag(true)])
    }
    #expect(error?.detail.contains("split it into fn and ln") == true)
    for header in [
      "id,Full Name,First Name,Surname\n1,Ada Lee,Ada,Lee\n", "id,Name,fn,ln\n1,Ada Lee,Ada,Lee\n",
    ] {
      let loaded = try await Workshop.load(header, ["map-known": .flag(true)])
      #expect(loaded.cells(.fn) == ["Ada"])
    }
    let ignored = try await Workshop.load(
      "id,Name\n1,Ada Lee\n", ["map-known": .flag(true), "ignore-columns": .text("Name")])
    #expect(ignored.cells(.id) == ["1"])
  }

  @Test func theErrorAboutJSONHasTheOptionsToo() async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load(#"{"ID":"1","firstName":"Ada","surname":"Lee","size":38}"#)
    }
    #expect(
      error?.remedy == ["--map", "firstName=fn", "--map", "surname=ln", "--ignore-column", "size"])
    #expect(
      error?.detail.hasPrefix("the row at line 1: the field \"firstName\" is unknown") == true)
  }

  @Test func fieldsOfJSONAreKnownToo() async throws {
    let loaded = try await Workshop.load(
      #"{"ID":"1","firstName":"Ada","Mobile":"A","phone":"1234567","size":38}"#,
      ["map-known": .flag(true)])
    #expect(loaded.cells(.fn) == ["Ada"] && loaded.cells(.phone) == ["1234567"])
    #expect(loaded.notices.contains { $0.contains("firstName") && !$0.contains("Mobile") })
    #expect(loaded.notices.contains("fields \"Mobile\", \"size\" are ignored"))
  }

  @Test(arguments: [
    "id,email\u{A0},\u{200B}fn", "id,EMAIL, \u{3000}Fn\u{AD}", "\"id\",e\u{200B}mail,f\u{2060}n",
  ])
  func whatCannotBeSeenNeverMatters(header: String) async throws {
    let loaded = try await Workshop.load(header + "\n1,a@b.example,Ada\n")
    #expect(loaded.cells(.email) == ["a@b.example"] && loaded.cells(.fn) == ["Ada"])
  }

  @Test func itShowsWhereItIsSaid() async throws {
    let loaded = try await Workshop.load("id,email\u{A0}\n1,a@b.example\n")
    #expect(loaded.notices.contains { $0.contains(#"\u{a0}"#) })
    #expect(
      Sanitizer.clean("a\u{A0}b\u{200B}c\u{3000}\u{AD}") == #"a\u{a0}b\u{200b}c\u{3000}\u{ad}"#)
  }

  @Test func columnsOfAFixedManifestArePassedOverWithoutAWord() async throws {
    let loaded = try await Workshop.load("id,fn,original:First Name,original:x\n1,Ada,ADA,y\n")
    #expect(loaded.cells(.fn) == ["Ada"] && !loaded.notices.contains { $0.contains("original") })
  }
}
