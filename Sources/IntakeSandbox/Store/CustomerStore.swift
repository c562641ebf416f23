import IntakeCore
import Synchronization

/// All customers of both APIs, in memory; beyond the bounds, the oldest images are dropped.
final class CustomerStore: Sendable {
  private struct State {
    var customers: [Customer] = []
    var places: [Key: Int] = [:]
    /// Images that may have to be dropped, and changes of customers that may have to be reduced; the oldest first.
    var (images, whole) = (Queue<KeptImage>(), Queue<Change>())
    var imageBytes = 0
    var lastChange = 0

    /// Whether the customer hasn't changed since.
    func isLatest(_ change: Change) -> Bool { customers[change.place].lastChange == change.number }
  }

  /// A change of the customer at that place; changes are numbered from 1.
  private struct Change {
    let place: Int
    let number: Int
  }

  /// An image whose bytes were stored.
  private struct KeptImage {
    let place: Int
    let side: Side
    let sha256: String
  }

  /// Compared as bytes: `String` treats composed and decomposed forms as equal.
  private struct Key: Hashable {
    let origin: Customer.Origin
    let bytes: [UInt8]

    init(_ origin: Customer.Origin, _ text: String) {
      self.origin = origin
      bytes = Array((origin == .dcams ? text.lowercased() : text).utf8)
    }
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
    let first = CustomerStore.firstNumber
    guard number >= first else { return nil }
    // Numbers count up without gaps, unless files were taken out of the state directory.
    return state.withLock { $0.customers.prefix(number - first + 1).last { $0.number == number } }
  }

  var all: [Customer] { state.withLock { $0.customers } }

  /// Changes a customer, creating it if necessary; returns the result, and whether it is new.
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
      dropImages(after: place, before, in: &state)
      reduceOldest(after: place, in: &state)
      return (state.customers[place], known == nil)
    }
    let number = stored.0.number
    if let directory, !directory.save({ customer(number: number) }) {
      throw RequestFailure(500, "The state cannot be written")
    }
    return stored
  }

  /// Notes which images of a customer are new, and drops the oldest images beyond the bound.
  private func dropImages(after place: Int, _ before: Customer, in state: inout State) {
    let customer = state.customers[place]
    state.imageBytes += customer.keptBytes - before.keptBytes
    for (side, image) in customer.images where image.bytes != nil {
      let old = before.images[side]
      if old?.bytes != nil, old?.sha256 == image.sha256 { continue }
      state.images.append(KeptImage(place: place, side: side, sha256: image.sha256))
    }
    while let oldest = state.images.first {
      if let image = state.customers[oldest.place].images[oldest.side], image.bytes != nil,
        image.sha256 == oldest.sha256
      {
        guard state.imageBytes > configuration.keptImageBytes else { return }
        state.customers[oldest.place].images[oldest.side]?.bytes = nil
        state.imageBytes -= image.byteCount
      }
      // An image that was replaced or dropped since has given its bytes back already.
      _ = state.images.removeFirst(beyond: 0)
    }
  }

  /// Notes a change, and drops all details of the customers longest unchanged, beyond the bound.
  private func reduceOldest(after place: Int, in state: inout State) {
    guard directory == nil, configuration.wholeCustomers < .max else { return }
    state.lastChange += 1
    state.customers[place].lastChange = state.lastChange
    state.whole.append(Change(place: place, number: state.lastChange))
    while let oldest = state.whole.removeFirst(beyond: configuration.wholeCustomers) {
      guard state.isLatest(oldest) else { continue }
      state.imageBytes -= state.customers[oldest.place].keptBytes
      state.customers[oldest.place].reduce()
    }
  }

  /// The bytes of an image, from memory or from the state directory.
  func bytes(of side: Side, of customer: Customer) -> [UInt8]? {
    guard let image = customer.images[side] else { return nil }
    return image.bytes ?? directory?.bytes(of: image, side: side, of: customer)
  }

  /// Whether an image arrived whose bytes are gone; for a reduced customer either may have.
  func hasDropped(_ side: Side, of customer: Customer) -> Bool {
    let hasArrived = customer.images[side] != nil || customer.isReduced
    return hasArrived && bytes(of: side, of: customer) == nil
  }

  func reset() {
    state.withLock { $0 = State() }
    directory?.clear()
  }
}

/// A queue that moves its elements only now and then, when half of them have been taken.
struct Queue<Element> {
  private var all: [Element] = []
  private var taken = 0

  var elements: ArraySlice<Element> { all[taken...] }
  var first: Element? { elements.first }

  mutating func append(_ element: Element) { all.append(element) }

  /// Takes out the oldest element if there are more than `most`.
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
