extension Sandbox {
  /// The grammar of `--fault`, for `sandbox --help`.
  public static var faultGrammar: String {
    let intro = """
      --fault EFFECT[=VALUE][:PARAMETER[=VALUE]]…[@CONDITION]…

      Several faults may be given; of those that exclude each other the first one acts. Faults touch
      requests to the two APIs only, never pages or /sandbox/…. Without a condition a fault is for every
      request. %3A stands for a colon in a value, %40 for an at sign.

      Conditions (all of a fault's must hold; numbers are 3, 1-5 or 4- for all from 4 on):
        @3 @1-5 @4-      the number of the request, counted from 1
        @every:10        every tenth request
        @try=1           the number of the request about the same customer: 1 fails first attempts only
        @email=*slow*    the customer's e-mail, in any case; * is any text, ? one character
        @id=17-*         the CustomerID
        @service=get*    the DCAMS service, or Noah's getCustomer, putCustomer, getUploadURL, upload
        @path=/v1/*      the path
        @connection=2    the number of the connection
        @use=2-          the number of the request on its connection

      Examples: 429:retry-after=2@1-5   500@every:10   slow=800@email=*slow*   503:accepted@try=1

      """
    let groups: [(String, [any FaultKind])] = [
      ("Before the body is read", OpeningEffect.allCases),
      ("In time (these add up)", TimingEffect.allCases),
      ("A made-up decision (not carried out, unless :accepted)", VerdictEffect.allCases),
      ("Carried out, with a spoiled answer", ContentEffect.allCases),
      ("On the wire", WireEffect.allCases),
    ]
    return intro + groups.map(section).joined()
  }

  private static func section(_ title: String, _ effects: [any FaultKind]) -> String {
    "\n\(title):\n" + effects.map(entry).joined()
  }

  /// The name and what it does, then the parameters with their defaults, at most 90 columns wide.
  private static func entry(_ effect: any FaultKind) -> String {
    let name = effect.rawValue
    let margin = String(repeating: " ", count: 22)
    var text = "  " + name + String(repeating: " ", count: 20 - name.utf8.count)
    var column = margin.utf8.count
    for word in effect.summary.split(separator: " ") {
      if column + word.utf8.count > 90 {
        text.removeLast()
        text += "\n" + margin
        column = margin.utf8.count
      }
      text += word + " "
      column += word.utf8.count + 1
    }
    let parameters = effect.parameters.map(\.form).joined(separator: " ")
    return text.dropLast() + (parameters.isEmpty ? "\n" : "\n\(margin)\(parameters)\n")
  }
}
