/// The stages of a run in their order, ends meeting: made from a plan, run by the runner.
///
///     manifest ─ loader ─▶ record ─ recordStages ─▶ record ─┬─ side ─ fileStages, imageStages ─▶ encoded image ─┐
///                                                           └─ side ─            …            ─▶ encoded image ─┤
///                                     submission ◀─ submissionStages ◀─ assembler ◀─ (record + images)
///                                     submission ─ submitter ─▶ receipt ─▶ recorders
public struct Pipeline: Sendable {
  /// Yields the rows.
  public let loader: any Loader
  /// What happens to a row before its images are read.
  public let recordStages: [PipelineStep]
  /// What happens to each file before it is decoded: conversion of other formats.
  public let fileStages: [PipelineStep]
  /// What happens to each image, from the file to the encoded form; empty when no image is sent.
  public let imageStages: [PipelineStep]
  /// Builds the request.
  public let assembler: any Assembler
  /// What happens to a request before it is sent.
  public let submissionStages: [PipelineStep]
  /// Sends the request.
  public let submitter: any Submitter
  /// Writes down what became of each row, and knows what became of it before.
  public package(set) var journal: any Journal
  /// Further recorders, in order.
  public let recorders: [any Recorder]

  /// Joins stages in code; a plan does the same for those that have names.
  public init(
    loader: any Loader, recordStages: [PipelineStep] = [], fileStages: [PipelineStep] = [],
    imageStages: [PipelineStep] = [], assembler: any Assembler,
    submissionStages: [PipelineStep] = [], submitter: any Submitter,
    journal: any Journal, recorders: [any Recorder] = []
  ) {
    self.loader = loader
    self.recordStages = recordStages
    self.fileStages = fileStages
    self.imageStages = imageStages
    self.assembler = assembler
    self.submissionStages = submissionStages
    self.submitter = submitter
    self.journal = journal
    self.recorders = recorders
  }

  /// The name of the assembler's stage.
  public var assemblerName: String { type(of: assembler).name }

  /// The name of the submitter's stage.
  public var submitterName: String { type(of: submitter).name }

  /// Every stage that takes a value and returns the next one, for `prepare` and `finish`.
  public var steps: [any Stage] {
    (recordStages + fileStages + imageStages).map(\.stage) + [assembler]
      + submissionStages.map(\.stage) + [submitter]
  }

  /// The longer side, in pixels, that the image stages will have decoded, nil when none says so.
  public func edge(for side: Side) -> Int? {
    imageStages.lazy.compactMap { $0.stage as? any ImagePreparer }.first?.edge(for: side)
  }
}

extension Pipeline {
  /// Why no row of a manifest with these columns can be sent, nil when one can: said once, not for each row.
  public func missingColumns(among columns: Set<ColumnName>) -> StageFailure? {
    // A stage may fill in what the manifest lacks.
    guard recordStages.isEmpty else { return nil }
    var fields = CustomerFields()
    for name in columns { fields[name.column, name.number] = Personal("x") }
    let images = [(Side.front, Column.front), (.back, .back)]
      .filter { columns.contains(ColumnName($1)) }
      .map { side, _ in ImageFile(side: side, path: "x") { _ in [] } }
    let full = IntakeRecord(
      row: RowReference(line: 1), identity: Personal([]), fields: fields, images: images)
    let missing = assembler.problems(in: full).compactMap { problem -> String? in
      guard problem.code == .missingValue, let column = problem.column, !columns.contains(column)
      else { return nil }
      return "\"\(column)\""
    }.unique(by: \.self)
    guard !missing.isEmpty else { return nil }
    let lacks = missing.count == 1 ? "the column" : "the columns"
    return StageFailure(
      .unusableManifest,
      "the manifest lacks \(lacks) \(missing.joined(separator: ", ")), which \(assemblerName) needs of every row",
      hint:
        "add \(missing.count == 1 ? "it" : "them"), or name the column that holds it with --map NAME=column",
      outcome: .fatal)
  }
}

/// A stage with its types erased; the one place where a value is cast.
public struct PipelineStep: Sendable {
  /// The name of the stage.
  public let name: String
  /// The stage itself.
  public let stage: any Stage
  private let body: @Sendable (any Sendable, StageContext) async throws -> any Sendable

  /// Erases the types of a stage.
  public init<S: Stage>(_ stage: S) {
    name = S.name
    self.stage = stage
    body = { value, context in
      guard let input = value as? S.Input else {
        throw StageFailure(
          .internalError, "\(S.name) was handed \(type(of: value))", outcome: .fatal)
      }
      return try await stage.run(input, in: context)
    }
  }

  /// Runs the stage on a value of its input type.
  public func run(_ value: any Sendable, in context: StageContext) async throws(PipelineError)
    -> any Sendable
  {
    do {
      return try await body(value, context)
    } catch {
      throw PipelineError(stage: name, row: context.row, underlying: error)
    }
  }
}
