import IntakeCore
import Synchronization

/// All customers of both APIs, in memory; the bytes of the oldest images are dropped beyond a cap.
final class CustomerStore: Sendable {
  private struct State {
    var customers: [Customer] = []
    var places: [Key: Int] = [:]
    /// The images whose bytes are kept, the oldest first; some were replaced since.
    var kept = Queue<KeptImage>()
    var imageBytes = 0
    /// Places of the customers that are kept whole, those longest untouched first.
    var whole = Queue<Int>()
  }

  /// Compared as bytes: equality of String calls composed and decomposed forms the same.
  private struct Key: Hashable {
    let origin: Customer.Origin
    let bytes: [UInt8]

    init(_ origin: Customer.Origin, _ text: String) {
      self.origin = origin
      bytes = Array((origin == .dcams ? text.lowercased() : text).utf8)
    }
  }

  private struct KeptImage {
    let place: Int
    let side: Side
    let sha256: String
  }

  private static let firstNumber = 100_001
  private let state = Mutex(State())
  private let configuration: SandboxConfiguration
  private let directory: StateDirectory?

  init(_ configuration: SandboxConfiguration) throws(SandboxError) {
    self.configuration = configuration
    directory = try configuration.stateDirectory.map(StateDirectory.init)
    let known = try directory?.customers() ?? []
    state.withLock { state in
      for customer in known {
        state.places[Key(customer.origin, customer.key)] = state.customers.count
        state.customers.append(customer)
      }
    }
  }

  /// The customer with that e-mail (in any case) or CustomerID.
  func customer(_ origin: Customer.Origin, _ key: String) -> Customer? {
    state.withLock { state in state.places[Key(origin, key)].map { state.customers[$0] } }
  }

  func customer(number: Int) -> Customer? {
    state.withLock { $0.customers.first(numbered: number) }
  }

  var all: [Customer] { state.withLock { $0.customers } }

  /// Changes a customer, or makes one first; returns it as it is then, and whether it is new.
  func upsert(
    _ origin: Customer.Origin, _ key: String, at time: UTCTime,
    change: (inout Customer, _ isNew: Bool) -> Void
  ) throws(RequestFailure) -> (customer: Customer, isNew: Bool) {
    let stored = try state.withLock { state throws(RequestFailure) -> (Customer, Bool) in
      let storeKey = Key(origin, key)
      let known = state.places[storeKey]
      guard known != nil || state.customers.count < configuration.keptCustomers else {
        throw RequestFailure(503, "The sandbox holds as many customers as it can")
      }
      let place = known ?? state.customers.count
      if known == nil {
        let number = (state.customers.last?.number ?? CustomerStore.firstNumber - 1) + 1
        state.customers.append(
          Customer(number: number, origin: origin, key: key, created: time, status: ""))
        state.places[storeKey] = place
      }
      let before = state.customers[place]
      change(&state.customers[place], known == nil)
      account(for: place, before: before, in: &state)
      keepWhole(place, in: &state)
      return (state.customers[place], known == nil)
    }
    let number = stored.0.number
    if let directory, !directory.save({ customer(number: number) }) {
      throw RequestFailure(500, "The state cannot be written")
    }
    return stored
  }

  /// Counts the bytes of images that are new, and no longer those that were replaced.
  private func account(for place: Int, before: Customer, in state: inout State) {
    let customer = state.customers[place]
    state.imageBytes += customer.keptBytes - before.keptBytes
    for (side, image) in customer.images where image.bytes != nil {
      let old = before.images[side]
      if old?.bytes != nil, old?.sha256 == image.sha256 { continue }
      state.kept.append(KeptImage(place: place, side: side, sha256: image.sha256))
    }
    dropOldest(in: &state)
  }

  private func dropOldest(in state: inout State) {
    while let oldest = state.kept.first {
      if let image = state.customers[oldest.place].images[oldest.side], image.bytes != nil,
        image.sha256 == oldest.sha256
      {
        guard state.imageBytes > configuration.keptImageBytes else { return }
        state.customers[oldest.place].images[oldest.side]?.bytes = nil
        state.imageBytes -= image.byteCount
      }
      // What was replaced or dropped since has given its bytes back already.
      _ = state.kept.removeFirst(beyond: 0)
    }
  }

  /// Notes that a customer is whole, and reduces those longest untouched beyond the bound.
  private func keepWhole(_ place: Int, in state: inout State) {
    let most = configuration.wholeCustomers
    guard directory == nil, most < .max else { return }
    state.whole.append(place)
    while let oldest = state.whole.removeFirst(beyond: most) {
      // The latest touch of a customer counts; an earlier entry of it is stale.
      guard !state.whole.elements.contains(oldest) else { continue }
      state.imageBytes -= state.customers[oldest].keptBytes
      state.customers[oldest].reduce()
    }
  }

  /// The bytes of an image: from memory, else from the state directory, else nil.
  func bytes(of side: Side, of customer: Customer) -> [UInt8]? {
    guard let image = customer.images[side] else { return nil }
    return image.bytes ?? directory?.bytes(of: image, side: side, of: customer)
  }

  /// Whether an image arrived whose bytes are no longer here; of a reduced customer nobody knows which did.
  func hasDropped(_ side: Side, of customer: Customer) -> Bool {
    let hasArrived = customer.images[side] != nil || customer.isReduced
    return hasArrived && bytes(of: side, of: customer) == nil
  }

  func reset() {
    state.withLock { $0 = State() }
    directory?.clear()
  }
}

extension [Customer] {
  fileprivate func first(numbered number: Int) -> Customer? {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = (low + high) / 2
      if self[middle].number < number { low = middle + 1 } else { high = middle }
    }
    return low < endIndex && self[low].number == number ? self[low] : nil
  }
}

/// A queue that moves its elements only once in a while, when half of them were taken.
struct Queue<Element> {
  private var all: [Element] = []
  private var taken = 0

  var elements: ArraySlice<Element> { all[taken...] }
  var first: Element? { elements.first }

  mutating func append(_ element: Element) { all.append(element) }

  /// Takes out the oldest element where there are more than `most`.
  mutating func removeFirst(beyond most: Int) -> Element? {
    guard elements.count > most, let oldest = first else { return nil }
    taken += 1
    if taken > 1024, taken > all.count / 2 {
      all.removeFirst(taken)
      taken = 0
    }
    return oldest
  }
}
