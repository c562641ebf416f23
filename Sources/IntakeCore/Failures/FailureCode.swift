/// Why a row, a file or a run failed: a stable word for scripts, with the next step for people.
public struct FailureCode: Sendable, Hashable, CustomStringConvertible {
  /// The word as it stands in results and in the ledger: lower case, underscores.
  public let rawValue: String
  /// The next step for the operator, where the place of the failure has no better one.
  public let hint: String

  private init(_ rawValue: String, _ hint: String) {
    self.rawValue = rawValue
    self.hint = hint
  }

  /// The word.
  public var description: String { rawValue }

  /// Whether a row is refused because of another one of the manifest.
  public var isAboutAnotherRow: Bool { self == .duplicateRow || self == .conflictingRow }

  /// The next step for a row in doubt that the target cannot be asked about.
  public static let handSettlement =
    settleYourself + "; or send it once more with --ambiguous resend"

  private static let settleYourself =
    "settle it yourself: `docintake reconcile LEDGER --mark accepted|not-accepted --row ID`"

  /// The code of that word, nil when there is none.
  public static func named(_ word: String) -> FailureCode? { all.first { $0.rawValue == word } }
}

extension FailureCode {
  // The manifest.
  /// A manifest that cannot be used as a whole: no header, an unknown column, another kind of file.
  public static let unusableManifest = Self(
    "unusable_manifest", "correct the manifest and run again; nothing was sent")
  /// A row that cannot be read: wrong number of cells, broken quotes, invalid UTF-8, bad JSON.
  public static let malformedRow = Self("malformed_row", "correct the row and run again")
  /// A cell that a required column leaves empty.
  public static let missingValue = Self("missing_value", "fill in the cell and run again")
  /// A cell whose content is not what its column holds.
  public static let invalidValue = Self("invalid_value", "correct the cell and run again")
  /// A cell whose value another program has mangled or never had: `1.2E+10`, `#N/A`, `NULL`, a zip without its zero.
  public static let suspiciousValue = Self(
    "suspicious_value",
    "correct the cell, or give --set load.suspicious=accept where every such value is meant")
  /// A row that says the same as an earlier one.
  public static let duplicateRow = Self("duplicate_row", "remove one of the two rows")
  /// Two rows that claim the same id or the same customer with different content.
  public static let conflictingRow = Self(
    "conflicting_row", "keep the row that is right and remove the other")

  // Files.
  /// An image that is not where the manifest says.
  public static let fileNotFound = Self(
    "file_not_found", "check the path, and the folder that it is relative to (--images-root)")
  /// More than one file that a pattern fits.
  public static let ambiguousFile = Self(
    "ambiguous_file", "leave one of the files there, or give a narrower pattern")
  /// An image that is there but cannot be read.
  public static let fileUnreadable = Self(
    "file_unreadable", "check the file's permissions and the disk")
  /// A path that leaves the images root.
  public static let pathOutsideRoot = Self(
    "path_outside_root", "move the file below the manifest's folder or give --images-root")
  /// Something other than a regular file.
  public static let notRegularFile = Self(
    "not_regular_file", "name a regular file, not a folder, pipe or device")
  /// A file over the size limit.
  public static let fileTooLarge = Self(
    "file_too_large", "save the scan smaller or raise decode.max-bytes")

  // Images.
  /// Content that isn't an image.
  public static let notAnImage = Self("not_an_image", "replace the file by a JPEG or PNG scan")
  /// An image of a kind that is not read.
  public static let unsupportedFormat = Self("unsupported_format", "save the scan as JPEG or PNG")
  /// A JPEG or PNG variant that is not read: arithmetic coding, 12 bits, lossless.
  public static let unsupportedVariant = Self(
    "unsupported_variant", "save the scan as an ordinary JPEG or PNG")
  /// An image that ends early or is broken inside.
  public static let damagedImage = Self("damaged_image", "scan or copy the document again")
  /// More pixels, a longer side or more scans than the limits allow.
  public static let imageTooLarge = Self(
    "image_too_large", "scan at a lower resolution or raise decode.max-pixels or max-side")
  /// Fewer pixels than the floor.
  public static let imageTooSmall = Self(
    "image_too_small", "scan the document at a higher resolution")
  /// No quality and size that are still legible fit the budget.
  public static let cannotFit = Self(
    "cannot_fit", "raise shrink.max-bytes or assemble.max-body, or crop the scan")
  /// Not enough memory for the image.
  public static let outOfMemory = Self("out_of_memory", "lower --concurrency or free memory")
  /// The process that decoded the image crashed, did what it may not do, or was killed.
  public static let decoderCrashed = Self("decoder_crashed", handHint)
  /// The process that decoded the image took too long.
  public static let decoderTimeout = Self("decoder_timeout", handHint)
  /// The process that decoded the image took too much memory.
  public static let decoderMemory = Self("decoder_memory", handHint)

  private static let handHint =
    "look at the scan by hand and don't trust it; `--only failed` tries it again"

  // Stages.
  /// A stage refused the row.
  public static let refusedByStage = Self(
    "refused_by_stage", "read the detail; the stage decides what it lets through")
  /// A stage failed for a reason of its own.
  public static let stageFailed = Self(
    "stage_failed",
    "tell the stage's author the type of the error; standard error names it, with the row")
  /// An external program did not keep the protocol.
  public static let stageProtocol = Self(
    "stage_protocol", "run `docintake stages check` on the program")
  /// A stage took longer than its deadline.
  public static let stageTimeout = Self(
    "stage_timeout",
    "let the program flush after each message; where it needs longer, raise the stage's timeout")
  /// The row brought the program down before and is left out.
  public static let quarantined = Self(
    "quarantined", "look at the scan by hand; `--only failed` tries it again")

  // Sending.
  /// The body is over the limit.
  public static let bodyTooLarge = Self(
    "body_too_large", "lower shrink.max-bytes or raise assemble.max-body if the target allows it")
  /// No connection: nothing was sent.
  public static let connectionFailed = Self(
    "connection_failed", "check the endpoint and the network, then run the same command again")
  /// The server's certificate or the TLS handshake was refused: nothing was sent.
  public static let tlsFailed = Self(
    "tls_failed", "check the endpoint's name and certificate; there is no insecure mode")
  /// The request went out and no complete answer came back.
  public static let noAnswer = Self(
    "no_answer", "run the same command again: rows in doubt are settled by asking the target")
  /// A complete answer that nobody can read as yes or no.
  public static let unrecognizedAnswer = Self(
    "unrecognized_answer", "run the same command again, or `docintake reconcile`")
  /// The target refused this row.
  public static let refusedByTarget = Self(
    "refused_by_target", "read the detail, correct the row and run again")
  /// Something in front of the target refused the request: a proxy, a load balancer, a firewall.
  public static let refusedByGateway = Self(
    "refused_by_gateway", "ask whoever runs the gateway in front of the target")
  /// The target took the customer and not all of the images that follow.
  public static let uploadRefused = Self(
    "upload_refused", "run the same command again: only the images that are missing are uploaded")
  /// The target does not know the customer.
  public static let customerNotFound = Self("customer_not_found", "create the customer first")
  /// The target refused the credentials.
  public static let credentialsRefused = Self(
    "credentials_refused", "check the credentials file; the run stops so that no account is locked")
  /// The endpoint does not serve this API.
  public static let wrongEndpoint = Self(
    "wrong_endpoint", "check --endpoint against the vendor's documentation")
  /// The target answered with a redirect, which is never followed.
  public static let redirected = Self(
    "redirected", "set --endpoint to the address that the target really serves")
  /// The target asks for fewer requests.
  public static let throttled = Self("throttled", "run the same command again later")
  /// The target failed while it worked on the request.
  public static let targetFailed = Self("target_failed", "run the same command again later")

  // The run.
  /// An earlier attempt may have been accepted.
  public static let unsettled = Self(
    "unsettled",
    "run the same command again to ask the target; where its answer proves nothing, "
      + settleYourself)
  /// The target does not have a row that was in doubt; it was not sent again.
  public static let notAccepted = Self("not_accepted", "run the batch again to send this row")
  /// The row was changed after it had been accepted, and was not sent again.
  public static let changedAfterAcceptance = Self(
    "changed_after_acceptance", "give --resubmit-changed to send the new content")
  /// The row was changed while an earlier attempt is in doubt.
  public static let changedInDoubt = Self(
    "changed_in_doubt",
    "undo the change and run again to ask the target, or " + settleYourself)
  /// The run stopped before the row was sent.
  public static let stopped = Self("stopped", "run the same command again")
  /// The row was accepted by an earlier run.
  public static let alreadyAccepted = Self(
    "already_accepted", "nothing to do; the ledger has the earlier answer")
  /// A programming error.
  public static let internalError = Self(
    "internal_error", "report it with the messages on standard error; rows that are done stay done")

  /// Every code, in the order of the documentation.
  public static let all: [FailureCode] = [
    unusableManifest, malformedRow, missingValue, invalidValue, suspiciousValue, duplicateRow,
    conflictingRow,
    fileNotFound, ambiguousFile, fileUnreadable, pathOutsideRoot, notRegularFile, fileTooLarge,
    notAnImage, unsupportedFormat, unsupportedVariant, damagedImage, imageTooLarge, imageTooSmall,
    cannotFit, outOfMemory, decoderCrashed, decoderTimeout, decoderMemory,
    refusedByStage, stageFailed, stageProtocol, stageTimeout, quarantined,
    bodyTooLarge, connectionFailed, tlsFailed, noAnswer, unrecognizedAnswer, refusedByTarget,
    refusedByGateway, uploadRefused, customerNotFound, credentialsRefused, wrongEndpoint,
    redirected, throttled,
    targetFailed,
    unsettled, notAccepted, changedAfterAcceptance, changedInDoubt, stopped, alreadyAccepted,
    internalError,
  ]
}
