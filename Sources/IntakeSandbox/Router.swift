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
    return Router.notFound
  }

  /// Answers a request to neither API whose body nobody will read: a stranger's address is wrong at any size.
  func answer(toOversized head: RequestHead) -> Answer {
    guard Control.owns(head.path) else { return Router.notFound }
    return .text(413, "nothing here takes a body of that size\n")
  }

  private static var notFound: Answer {
    Page.answer(404, title: "Not found", "<h1>Not found</h1><p>Nothing has this address.</p>")
  }
}
