import IntakeCore

// A target that finds a request too large gets it once more, with smaller images.
extension Batch {
  /// Sends a row; after a 413 once more with images of half the bytes, as far as they stay legible.
  func deliver(_ prepared: PreparedRow, _ record: IntakeRecord, _ row: RowInProgress) async throws
    -> Outcome
  {
    var delivery = try await sender.send(prepared.submission, of: row)
    var images = prepared.images
    if delivery.isTooLarge, runner.stop.level == .none {
      switch await smaller(prepared, record, row) {
      case .failure(let why): delivery.explain(prepared, why)
      case .success(let second):
        try await row.noteFailedAttempt(delivery, in: journal)
        row.log(.notice, "the target answered 413: sending once more with smaller images")
        let attempts = delivery.attempts
        delivery = try await sender.send(second.submission, of: row, after: delivery)
        if delivery.attempts == attempts {
          delivery.explain(prepared, "and the run stopped before smaller images were sent")
        } else if delivery.isTooLarge {
          delivery.explain(prepared, "and to one of \(second.totalBytes) with smaller images")
        }
        if delivery.attempts > attempts { images = second.images }
      }
    } else if delivery.isTooLarge {
      delivery.explain(prepared, "and the run stopped before smaller images were tried")
    }
    var outcome = outcome(of: delivery, row)
    outcome.images = images
    return outcome
  }

  /// The request that an earlier attempt in doubt sent: this one, or the smaller one that followed a 413.
  func asSentBefore(_ prepared: PreparedRow, _ record: IntakeRecord, _ row: RowInProgress) async
    -> PreparedRow
  {
    guard let key = row.key, await journal.standing(of: key) == .inDoubt,
      !(await journal.isUnchanged(prepared.submission, for: key)),
      !(await journal.isChanged(record.source, for: key)),
      case .success(let second) = await smaller(prepared, record, row),
      await journal.isUnchanged(second.submission, for: key)
    else { return prepared }
    return second
  }

  /// The same row with images of half the bytes; half, because 413 does not tell the limit and there is one try.
  private func smaller(
    _ prepared: PreparedRow, _ record: IntakeRecord, _ row: RowInProgress
  ) async -> Result<PreparedRow, Unshrinkable> {
    let bytes = prepared.images.values.reduce(0) { $0 + $1.sent.bytes }
    guard bytes > 0 else { return .failure("and the request holds no image to shrink") }
    await local.enter()
    let result = await preparation.run(record, as: row, imageBudget: bytes / 2)
    local.leave()
    guard var second = result.submission else {
      let reason = result.failures.first.map { ": " + $0.failure.detail } ?? ""
      return .failure("and its images of \(bytes) do not get down to half of that\(reason)")
    }
    second.source = record.source
    let row = PreparedRow(submission: second, images: result.images)
    guard row.totalBytes < prepared.totalBytes else {
      return .failure("and its images of \(bytes) did not get smaller")
    }
    return .success(row)
  }
}

/// A complete request, and what became of the row's images on the way.
struct PreparedRow: Sendable {
  var submission: Submission
  let images: [Side: ShrinkReport]

  /// Bytes of the body without credentials.
  var bodyBytes: Int { submission.bodySize(with: nil) }

  /// The same with the bodies of everything that follows.
  var totalBytes: Int {
    submission.followUps.reduce(bodyBytes) { $0 + $1.request.bodySize(with: nil) }
  }
}

/// Why a row cannot be sent smaller, as the end of a sentence about its body.
struct Unshrinkable: Error, ExpressibleByStringInterpolation {
  let description: String
  init(stringLiteral value: String) { description = value }
}

extension Delivery {
  fileprivate var isTooLarge: Bool { receipt.http == 413 && receipt.outcome == .rejected }

  /// Says what was too large and what was done about it.
  fileprivate mutating func explain(_ prepared: PreparedRow, _ rest: Unshrinkable) {
    let refused = receipt.steps.last { $0.http == 413 }?.bodyBytes ?? prepared.bodyBytes
    receipt.detail =
      "the target answered 413 to a body of \(refused) bytes, \(rest.description)"
    receipt.hint =
      receipt.hint ?? "lower shrink.max-bytes, or set assemble.max-body to the target's limit"
  }
}
