import IntakeCore
import IntakeImaging
import IntakeLedger

/// A report as one page without scripts that needs nothing else: it may be mailed and printed.
struct ReportPage {
  let report: LedgerReport
  let pictures: [RowPictures]

  /// Rows of one cause that the page lists: beyond that nobody reads them, and a browser gets slow.
  private static let mostRows = 5_000

  var html: String {
    builtinText(
      PackageResources.report_html,
      [
        "__COUNTS__": tiles, "__FACTS__": facts,
        "__NOTE__": [LedgerReport.note, report.unreached].compactMap(\.self).joined(separator: " "),
        "__BYTES__": bytes,
        "__STAGES__": stages, "__TIMELINE__": timeline, "__RUNS__": runs, "__CAUSES__": causes,
        "__IMAGES__": images,
      ])
  }

  private var tiles: String {
    report.counts.map { name, count in
      let kind = name.replacing(" ", with: "-")
      return
        "<li class=\"\(kind)\(count == 0 ? " none" : "")\"><b>\(RowText.number(count))</b> \(name)</li>"
    }.joined()
  }

  private var facts: String {
    report.facts.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined()
  }

  private var bytes: String {
    let (before, after, requests) = report.bytes
    let bars = [("images", before), ("images as sent", after), ("requests", requests)]
    let most = bars.map(\.1).max() ?? 0
    guard most > 0 else { return "" }
    let lines = bars.map { name, bytes in
      "<div class=\"bar\"><span>\(name)</span><span><i style=\"width:\(100 * bytes / most)%\"></i></span>"
        + "<b>\(RowText.bytes(bytes))</b></div>"
    }
    return "<h2>Bytes of the accepted rows</h2>" + lines.joined()
  }

  private var stages: String {
    guard !report.stages.isEmpty else { return "" }
    let rows = report.stages.map { times in
      ([times.name] + times.words).map(escaped) + [
        chart(times.histogram, class: "small", title: "rows by time, doubling from 1 ms")
      ]
    }
    return table(
      "Milliseconds a row in each stage", ["stage", "p50", "p95", "max"], wide: ["1 ms, 2, 4 …"],
      rows)
  }

  /// The last run that did anything, in at most sixty intervals.
  private var timeline: String {
    guard let run = report.runs.last(where: { $0.rows > 0 }) else { return "" }
    let minutes = (run.minutes.keys.max() ?? 0) + 1
    let width = (minutes + 59) / 60
    var bars = [RunTally.Sums](repeating: .init(), count: (minutes + width - 1) / width)
    for (minute, sums) in run.minutes { bars[minute / width] += sums }
    guard bars.count > 1 else { return "" }
    let span = width == 1 ? "minute" : "\(width) minutes"
    var text = "<h2>The last run, one bar a \(span)</h2>"
    for (name, values) in [
      ("rows", bars.map(\.rows)), ("retries", bars.map(\.retries)),
      ("seconds that rows waited", bars.map { $0.waited / 1000 }),
    ] {
      let most = values.max() ?? 0
      guard most > 0 else { continue }
      text +=
        "<p>\(name), at most \(most)</p>" + chart(values, class: "", title: "\(name) a \(span)")
    }
    return text
  }

  private var runs: String {
    let rows = report.runs.map { tally in
      let run = tally.run
      let seconds = run.end.map { Int($0.seconds - run.start.seconds) }
      let time = seconds.map {
        "\($0 / 3600):\(($0 / 60 % 60).zeroPadded(2)):\(($0 % 60).zeroPadded(2))"
      }
      return [
        run.start.readable, run.ending.rawValue, RowText.number(tally.rows),
        RowText.number(tally.accepted), time ?? "-", "\(tally.retries)",
        "\(tally.waited / 1000) s", RowText.bytes(tally.before), RowText.bytes(tally.requests),
      ]
    }
    return table(
      "Runs", ["start", "end", "rows", "accepted"],
      wide: ["took", "retries", "waited", "images", "requests"], rows)
  }

  private var causes: String {
    guard !report.causes.isEmpty else {
      return report.unreached == nil
        ? "<h2>Every row is accepted</h2>" : "<h2>Every row that a run came to is accepted</h2>"
    }
    let sections = report.causes.map { cause in
      let rows = cause.rows.prefix(ReportPage.mostRows)
        .map { "<li>\(escaped(report.name($0)))</li>" }
      let left = cause.rows.count - rows.count
      return "<section><h3>\(RowText.number(cause.rows.count)) × \(escaped(cause.title))</h3>"
        + (cause.hint.map { "<p>\(escaped($0))</p>" } ?? "")
        + "<ul class=\"list\">\(rows.joined())</ul>"
        + (left > 0
          ? "<p>and \(RowText.number(left)) more: docintake report --format json lists them</p>"
          : "")
        + "</section>"
    }
    return "<h2>Rows that are not accepted, by cause</h2>" + sections.joined(separator: "\n")
  }

  private var images: String {
    guard !pictures.isEmpty else { return "" }
    let rows = pictures.map { row in
      let figures = row.pictures.map { picture in
        let image = picture.jpeg.map {
          "<img alt=\"\" src=\"data:image/jpeg;base64,\(Base64Text.text($0))\">"
        }
        return "<figure>\(image ?? "")<figcaption>\(escaped(picture.words))</figcaption></figure>"
      }
      return
        "<section><h3>\(escaped(row.name))</h3><div class=\"images\">\(figures.joined())</div></section>"
    }
    return "<h2>The first rows' scans, as they came and as they are sent</h2>"
      + rows.joined(separator: "\n")
  }

  /// A table of cells in HTML; a narrow screen has no room for the columns in `wide`.
  private func table(_ title: String, _ names: [String], wide: [String], _ rows: [[String]])
    -> String
  {
    func row(_ cells: [String], _ tag: String) -> String {
      let cells = cells.enumerated().map { index, cell in
        "<\(tag)\(index < names.count ? "" : " class=\"wide\"")>\(cell)</\(tag)>"
      }
      return "<tr>\(cells.joined())</tr>"
    }
    return "<h2>\(title)</h2>\n<table><thead>\(row(names + wide, "th"))</thead><tbody>\n"
      + rows.map { row($0, "td") }.joined(separator: "\n") + "\n</tbody></table>"
  }

  /// Bars from left to right, the highest as high as the picture.
  private func chart(_ values: [Int], class kind: String, title: String) -> String {
    let most = max(1, values.max() ?? 0)
    let bars = values.enumerated().map { index, value in
      let height = value == 0 ? 0 : max(2, 100 * value / most)
      return "<rect x=\"\(10 * index)\" y=\"\(100 - height)\" width=\"9\" height=\"\(height)\"/>"
    }
    return
      "<svg class=\"\(kind)\" viewBox=\"0 0 \(10 * values.count) 100\" preserveAspectRatio=\"none\" "
      + "role=\"img\" aria-label=\"\(title)\">\(bars.joined())</svg>"
  }

  /// Ids are the operator's, and stages of others may have put anything into a code.
  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}

/// The scans of a row, small: as they came, and as its plan would send them.
struct RowPictures: Sendable {
  /// Rows that a page shows: 200 pictures of some 8 KB each.
  static let most = 50
  /// Longer side of a picture, in pixels.
  private static let edge = 220

  let name: String
  private(set) var pictures: [Picture] = []

  struct Picture: Sendable {
    let words: String
    let jpeg: [UInt8]?
  }

  /// Reads the files again; what is wrong with one is said in its place.
  init(_ record: IntakeRecord, _ pipeline: Pipeline) async {
    name = Console.name(record.row)
    for file in record.images {
      let context = StageContext(row: record.row, side: file.side)
      var value: any Sendable = file
      do {
        for step in pipeline.fileStages + pipeline.imageStages {
          let isFirst = value is ImageFile
          value = try await step.run(value, in: context)
          if isFirst, let image = value as? DocumentImage { try add(image, "as it came") }
          guard let sent = value as? PreparedImage else { continue }
          let header = try ImageHeader(reading: sent.bytes)
          try add(
            DocumentImage(
              side: file.side, file: "", header: header, bytes: sent.bytes, codec: ImageCodec()),
            "as it is sent")
          break
        }
      } catch {
        let failure = (error as? PipelineError)?.failure.about(side: file.side, file: nil)
        pictures.append(
          Picture(words: failure?.detail ?? "\(file.side.rawValue): it cannot be read", jpeg: nil))
      }
    }
  }

  private mutating func add(_ image: DocumentImage, _ words: String) throws {
    var shrinker = ImageShrinker()
    (shrinker.edge, shrinker.minimumEdge, shrinker.quality) = (RowPictures.edge, 1, 70)
    let size = image.uprightSize
    pictures.append(
      Picture(
        words:
          "\(image.side.rawValue) \(words): \(size.width) × \(size.height), \(RowText.bytes(image.sourceBytes))",
        jpeg: try shrinker.prepare(image).bytes))
  }
}
