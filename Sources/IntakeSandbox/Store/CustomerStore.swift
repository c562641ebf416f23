import IntakeCore
import Synchronization

/// All customers of both APIs, in memory; the bytes of the oldest images are dropped beyond a cap.
final class CustomerStore: Sendable {
  private struct State {
    var customers: [Customer] = []
    var places: [Key: Int] = [:]
    var kept: [KeptImage] = []
    var dropped = 0
    var imageBytes = 0
    /// Places of the customers that are kept whole, those longest untouched first.
    var whole: [Int] = []
    var reduced = 0
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
    let byteCount: Int
  }

  /// Why a customer was not stored.
  enum Failure: Error {
    case full
    case unwritable

    /// The HTTP status to answer.
    var status: Int { self == .full ? 503 : 500 }
    /// The message to answer.
    var message: String {
      self == .full
        ? "The sandbox holds as many customers as it can" : "The state cannot be written"
    }
  }

  private static let firstNumber = 100_001
  private let state = Mutex(State())
  private let mostImageBytes: Int
  private let mostCustomers: Int
  private let mostWhole: Int
  private let directory: StateDirectory?

  /// Starts with what the directory holds.
  init(
    mostImageBytes: Int, mostCustomers: Int, mostWhole: Int = .max, directory: StateDirectory?
  ) throws(SandboxError) {
    self.mostWhole = directory == nil ? mostWhole : .max
    self.mostImageBytes = mostImageBytes
    self.mostCustomers = mostCustomers
    self.directory = directory
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

  /// The customer with that number.
  func customer(number: Int) -> Customer? {
    state.withLock { $0.customers.first(numbered: number) }
  }

  /// All customers in the order of their numbers.
  var all: [Customer] { state.withLock { $0.customers } }

  /// Changes a customer, or makes one first; returns it as it is then, and whether it is new.
  func upsert(
    _ origin: Customer.Origin, _ key: String, at time: Timestamp,
    change: (inout Customer, _ isNew: Bool) -> Void
  ) throws(Failure) -> (customer: Customer, isNew: Bool) {
    let stored = state.withLock { state -> (Customer, Bool)? in
      let storeKey = Key(origin, key)
      let known = state.places[storeKey]
      guard known != nil || state.customers.count < mostCustomers else { return nil }
      let place = known ?? state.customers.count
      if known == nil {
        let number = (state.customers.last?.number ?? CustomerStore.firstNumber - 1) + 1
        state.customers.append(
          Customer(number: number, origin: origin, key: key, created: time, status: ""))
        state.places[storeKey] = place
      }
      let before = state.customers[place].images
      change(&state.customers[place], known == nil)
      account(for: place, before: before, in: &state)
      keepWhole(place, in: &state)
      return (state.customers[place], known == nil)
    }
    guard let stored else { throw .full }
    try save(stored.0.number)
    return stored
  }

  private func save(_ number: Int) throws(Failure) {
    guard let directory else { return }
    let isSaved = directory.save { self.customer(number: number) }
    guard isSaved else { throw .unwritable }
  }

  private func account(for place: Int, before: [Side: StoredImage], in state: inout State) {
    for (side, image) in state.customers[place].images {
      let old = before[side]
      guard image.bytes != nil, old?.bytes == nil || old?.sha256 != image.sha256 else { continue }
      state.imageBytes += image.byteCount
      state.kept.append(
        KeptImage(place: place, side: side, sha256: image.sha256, byteCount: image.byteCount))
    }
    for (side, old) in before where old.bytes != nil {
      if state.customers[place].images[side]?.sha256 != old.sha256 {
        state.imageBytes -= old.byteCount
      }
    }
    dropOldest(in: &state)
  }

  private func dropOldest(in state: inout State) {
    while state.dropped < state.kept.count {
      let oldest = state.kept[state.dropped]
      let image = state.customers[oldest.place].images[oldest.side]
      // An entry whose image was replaced or dropped since is stale: its bytes are gone already.
      let isStale = image?.bytes == nil || image?.sha256 != oldest.sha256
      guard isStale || state.imageBytes > mostImageBytes else { break }
      state.dropped += 1
      if isStale { continue }
      state.customers[oldest.place].images[oldest.side]?.bytes = nil
      state.imageBytes -= oldest.byteCount
    }
    if state.dropped > 1024, state.dropped > state.kept.count / 2 {
      state.kept.removeFirst(state.dropped)
      state.dropped = 0
    }
  }

  /// Notes that a customer is whole, and reduces those longest untouched beyond the bound.
  private func keepWhole(_ place: Int, in state: inout State) {
    guard mostWhole < .max else { return }
    state.whole.append(place)
    while state.whole.count - state.reduced > mostWhole {
      let oldest = state.whole[state.reduced]
      state.reduced += 1
      // The latest touch of a customer counts; an earlier entry of it is stale.
      guard !state.whole[state.reduced...].contains(oldest) else { continue }
      for image in state.customers[oldest].images.values where image.bytes != nil {
        state.imageBytes -= image.byteCount
      }
      state.customers[oldest].reduce()
    }
    if state.reduced > 1024, state.reduced > state.whole.count / 2 {
      state.whole.removeFirst(state.reduced)
      state.reduced = 0
    }
  }

  /// The bytes of an image: from memory, else from the state directory, else nil.
  func bytes(of side: Side, of customer: Customer) -> [UInt8]? {
    guard let image = customer.images[side] else { return nil }
    return image.bytes ?? directory?.bytes(of: image, side: side, of: customer)
  }

  /// Forgets everything, on disk too.
  func reset() {
    state.withLock { $0 = State() }
    directory?.clear()
  }
}

extension [Customer] {
  /// The customer with that number; the numbers ascend.
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
