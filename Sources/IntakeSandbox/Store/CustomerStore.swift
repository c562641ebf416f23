import IntakeCore
import Synchronization

/// All customers of both APIs, in memory; beyond the bounds, the oldest images are dropped.
final class CustomerStore: Sendable {
  private struct State {
    var customers: [Customer] = []
    var places: [Key: Int] = [:]
    /// Changes of customers whose images, or everything else, may have to be dropped; the oldest first.
    var (withImages, whole) = (Queue<Change>(), Queue<Change>())
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
      let before = state.customers[place].keptBytes
      change(&state.customers[place], known == nil)
      state.imageBytes += state.customers[place].keptBytes - before
      dropOldest(after: place, in: &state)
      return (state.customers[place], known == nil)
    }
    let number = stored.0.number
    if let directory, !directory.save({ customer(number: number) }) {
      throw RequestFailure(500, "The state cannot be written")
    }
    return stored
  }

  /// Notes a change, and drops images and then all details of the customers longest unchanged, beyond the bounds.
  private func dropOldest(after place: Int, in state: inout State) {
    state.lastChange += 1
    state.customers[place].lastChange = state.lastChange
    let change = Change(place: place, number: state.lastChange)
    state.withImages.append(change)
    while let oldest = state.withImages.first {
      let bytes = state.customers[oldest.place].keptBytes
      // Where nothing is kept any more, the entry must not hold up those behind it.
      if bytes > 0, state.isLatest(oldest) {
        guard state.imageBytes > configuration.keptImageBytes else { break }
        state.imageBytes -= bytes
        for side in Side.allCases { state.customers[oldest.place].images[side]?.bytes = nil }
      }
      _ = state.withImages.removeFirst(beyond: 0)
    }
    guard directory == nil, configuration.wholeCustomers < .max else { return }
    state.whole.append(change)
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
