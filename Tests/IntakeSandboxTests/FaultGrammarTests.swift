import IntakeSandbox
import Testing

struct FaultGrammarTests {
  @Test(arguments: [
    "429@3", "429:retry-after=2@1-5", "500@every:10", "slow:ms=800@email=*slow*", "slow=800",
    "drop-after-accept@4", "close-before", "413-early", "417", "latency=40", "503:accepted@try=1",
    "429=2", "redirect:status=302:location=http%3A//127.0.0.1%3A1/x", "hang:accepted@4-",
    "keepalive-close", "500:html@service=get*@use=2-@connection=1", "200:message=x", "early=401",
    "429:retry-after=Sat, 21 Nov 2026 10%3A30%3A00 GMT", "clock=-600", "404@path=/v1/*@id=a-?",
  ])
  func wellFormedFaultsAreRead(text: String) throws {
    #expect(try Fault(text).description == text)
  }

  static let refusals: [(text: String, message: String)] = [
    ("", "there is no effect \"\""),
    ("garbge", "there is no effect \"garbge\", did you mean \"garbage\"?"),
    ("drop-after-acept", "did you mean \"drop-after-accept\"?"),
    ("CODE", "there is no effect \"CODE\""),
    ("99", "there is no effect \"99\""),
    ("999", "an HTTP status is a number from 200 to 599"),
    ("429:retry-afer=2", "there is no parameter \"retry-afer\", did you mean \"retry-after\"?"),
    ("429:retry-after", "retry-after needs a value"),
    ("429:accepted=yes", "accepted takes no value"),
    ("slow:ms=x", "ms takes a whole number from 0 to 3600000"),
    ("slow:ms=-1", "ms takes a whole number from 0 to 3600000"),
    ("slow:ms=99999999999999999999", "ms takes a whole number from 0 to 3600000"),
    ("empty=1", "\"empty\" takes no value"),
    ("500@", "\"\" isn't a request number"),
    ("500@0", "\"0\" isn't a request number: write @3, @1-5, @4- or @every:10"),
    ("500@5-1", "\"5-1\" isn't a request number"),
    ("500@every:0", "\"every:\" takes a number from 1 up"),
    ("500@emial=x", "there is no condition \"emial\", did you mean \"email\"?"),
    ("close-before@email=a*", "it acts before the body is read"),
    ("413-early@try=1", "it acts before the body is read"),
    ("429:message=a%0D%0ASet-Cookie: x", "message holds a control character"),
  ]

  @Test(arguments: refusals)
  func mistakesAreNamedWithTheNextStep(text: String, message: String) {
    let error = #expect(throws: SandboxError.self) { try Fault(text) }
    let shown = error?.description ?? ""
    #expect(shown.hasPrefix("--fault \"\(text)\": ") && shown.contains(message), "\(shown)")
  }

  @Test func controlCharactersOfAFaultDoNotReachTheTerminal() {
    let error = #expect(throws: SandboxError.self) { try Fault("\u{1B}[2J") }
    #expect(error?.description.contains("\u{1B}") == false)
  }

  @Test(arguments: [
    "  CODE  ", "  early  ", "  keepalive-close  ", ":status=413 :abrupt\n", ":bytes=300000000\n",
  ])
  func grammarListsEffectsAndParameters(part: String) {
    #expect(Sandbox.faultGrammar.contains(part))
  }

  @Test func everyEffectOfTheGrammarIsReadWithItsParameters() throws {
    let lines = Sandbox.faultGrammar.split(separator: "\n").drop {
      $0 != "Before the body is read:"
    }
    var names: [String] = []
    for line in lines.filter({ $0.hasPrefix("  ") }) {
      let words = line.split(separator: " ").map(String.init)
      if !line.dropFirst(2).hasPrefix(" ") {
        names.append(words[0] == "CODE" ? "429" : words[0])
        #expect(throws: Never.self) { try Fault(names.last ?? "") }
      } else if words[0].hasPrefix(":") {
        for parameter in words {
          #expect(throws: Never.self) { try Fault((names.last ?? "") + parameter) }
        }
      }
    }
    #expect(names.count > 50 && Set(names).count == names.count)
  }

  @Test func grammarFitsATerminal() {
    let longest = Sandbox.faultGrammar.split(separator: "\n").map(\.count).max() ?? 0
    #expect(longest <= 100)
  }

  @Test(arguments: [
    ("create-status=PASSED", "create-status: the value is one of PENDING, PASS, FAIL"),
    ("creat-status=PASS", "there is no switch \"creat-status\", did you mean \"create-status\"?"),
    ("update", "update: the value is one of merge, replace"),
  ])
  func wrongSwitchesAreNamedWithTheirValues(text: String, message: String) {
    var switches = SandboxSwitches()
    let error = #expect(throws: SandboxError.self) { try switches.set(text) }
    #expect(error?.description == message)
    #expect(SandboxSwitches.help.contains("create-status"))
  }
}
