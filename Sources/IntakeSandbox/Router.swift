import IntakeCore

/// Decides which part answers a request.
struct Router: Sendable {
  let store: CustomerStore
  let log: RequestLog
  let dcams: DCAMSStorage
  let noah: NoahAPI

  /// The API that an address belongs to, nil for pages, control and strangers.
  func api(for path: String) -> (any VendorAPI)? {
    if path == DCAMSStorage.path { return dcams }
    return NoahRoute.owns(path) ? noah : nil
  }

  /// Answers what belongs to neither API.
  func answer(to call: Call) -> Answer {
    if let answer = Control(store: store, log: log).answer(to: call) { return answer }
    if call.head.method == "GET" || call.head.method == "HEAD",
      let answer = Pages(store: store).answer(to: call.head)
    {
      return answer
    }
    return Page.answer(
      404, title: "Not found", "<h1>Not found</h1><p>Nothing has this address.</p>")
  }
}
