public import IntakeCore
import IntakeSystem

extension ImageHeader {
  /// Recognises a file by its content and walks its markers or chunks, without decoding a pixel.
  ///
  /// - Throws: `StageFailure` for a file that isn't a picture, or is of another format, broken, cut short or too large.
  public init(reading bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(StageFailure) {
    guard !bytes.isEmpty else { throw StageFailure(.notAnImage, "the file is empty") }
    switch ImageFormat(recognizing: bytes) {
    case _ where bytes.count < 16:
      throw StageFailure(.notAnImage, "the file has \(bytes.count) bytes, too few for a picture")
    case .jpeg: self = try JPEGStructure(bytes, limits: limits).header()
    case .png: self = try PNGStructure(bytes, limits: limits).header
    case nil:
      if let stray = Self.strayBytes(in: bytes) {
        throw StageFailure(
          .damagedImage,
          "the picture begins only after \(stray) stray byte\(stray == 1 ? "" : "s")",
          hint: StageFailure.saveAgain)
      }
      guard let format = FileFormat(recognizing: bytes) else {
        throw StageFailure(.notAnImage, "the file's content is neither JPEG nor PNG")
      }
      throw StageFailure(
        .unsupportedFormat, "the file is \(format.name), not JPEG or PNG",
        hint: format.conversion)
    }
  }

  /// Bytes before a JPEG or PNG that begins within the first 64: a line break of a mail program, a byte order mark.
  private static func strayBytes(in bytes: [UInt8]) -> Int? {
    (1..<min(65, bytes.count)).first { ImageFormat(recognizing: bytes[$0...]) != nil }
  }
}

/// The format that a file's bytes look like: one that is read, one that can be converted, or one that is only named.
public struct FileFormat: Sendable, Hashable {
  /// The format in lower case, as plans, programs and results name it: `jpeg`, `heic`, `pdf`.
  public let id: String
  /// As people write it: `HEIC`.
  public let name: String

  /// Recognises a file by its content, never by its name; nil if the format is unknown.
  public init?(recognizing bytes: [UInt8]) {
    if let read = ImageFormat(recognizing: bytes) {
      self.init(read.rawValue)
      return
    }
    let window = ByteWindow(bytes)
    guard
      let format = FileFormat.signatures.first(where: { window.has($0.text, at: $0.offset) })?
        .format
        ?? FileFormat.markup(in: bytes)
    else { return nil }
    self = format
  }

  private init(_ id: String, _ name: String? = nil) {
    self.id = id
    self.name = name ?? id.uppercased()
  }

  /// Those that the converter turns into JPEG or PNG.
  private static let convertible: Set<String> = [
    "avif", "bmp", "gif", "heic", "heif", "pdf", "tiff", "webp",
  ]

  /// How to convert the file; nil if nothing here does.
  fileprivate var conversion: String? {
    guard FileFormat.convertible.contains(id) else { return nil }
    return "save the scan as JPEG or PNG, or have it converted on the way: --insert before:decode "
      + "'external program=\(FileFormat.converter) accepts=file isolation=network'"
  }

  /// The sample that converts: where packages put it beside the program, else in the sources.
  private static let converter: String = {
    let sample = "samples/stages/convert.py"
    let bin = DurableFile.folder(of: ProcessSetup.executablePath ?? "")
    let installed = DurableFile.folder(of: bin) + "/share/doc/docintake/" + sample
    return DurableFile.exists(installed) ? installed : sample
  }()

  private struct Signature {
    let text: StaticString
    let offset: Int
    let format: FileFormat

    init(_ text: StaticString, at offset: Int = 0, _ id: String, _ name: String? = nil) {
      self.text = text
      self.offset = offset
      format = FileFormat(id, name)
    }
  }

  private static let signatures: [Signature] = [
    Signature("GIF8", "gif"),
    Signature("WEBP", at: 8, "webp", "WebP"),
    Signature("ftypavi", at: 4, "avif"),
    Signature("ftyphei", at: 4, "heic"),
    Signature("ftyphev", at: 4, "heic"),
    Signature("ftypmif1", at: 4, "heif"),
    Signature("ftypmsf1", at: 4, "heif"),
    Signature("ftyp", at: 4, "mp4"),
    Signature("II*\0", "tiff"),
    Signature("MM\0*", "tiff"),
    Signature("II+\0", "bigtiff", "BigTIFF"),
    Signature("%PDF", "pdf"),
    Signature("%!PS", "ps", "PostScript"),
    Signature("BM", "bmp"),
    Signature("8BPS", "psd", "Photoshop"),
    Signature("jP  ", at: 4, "jp2", "JPEG 2000"),
    Signature("JXL ", at: 4, "jxl", "JPEG XL"),
    Signature("PK\u{3}\u{4}", "zip", "zip (or an office document)"),
    Signature("\u{7F}ELF", "elf", "ELF program"),
    Signature("MZ", "exe", "Windows program"),
    Signature("\0\0\u{1}\0", "ico"),
    Signature("P5", "pgm"),
    Signature("P6", "ppm"),
    Signature("push graphic-context", "mvg"),
  ]

  /// Every format that is recognised, sorted by name.
  public static let ids = Set(
    ImageFormat.allCases.map(\.rawValue) + signatures.map(\.format.id) + ["svg", "html", "xml"]
  ).sorted()

  private static func markup(in bytes: [UInt8]) -> FileFormat? {
    let text = String(decoding: bytes.prefix(512).map(\.asciiLowercased), as: UTF8.self)
    if text.contains("<svg") { return FileFormat("svg") }
    if text.contains("<!doctype html") || text.contains("<html") { return FileFormat("html") }
    return text.hasPrefix("<?xml") ? FileFormat("xml") : nil
  }
}

/// The limits of a scan, checked before a pixel is decoded.
public struct ImageLimits: Sendable, Hashable {
  /// Pixels of the whole picture; telephones take 8192 × 6144, an A4 page at 600 dpi has 35 million.
  public var maximumPixels = 60_000_000
  /// Pixels along either side.
  public var maximumSide = 20_000
  /// Pixels along the shorter side at least; nothing smaller is legible.
  public var minimumSide = 16
  /// Scans of a progressive JPEG; cameras write 6 to 10, and each costs 10 ms on 12 million pixels.
  public var maximumScans = 64
  /// Markers of a JPEG; a photo with all its extras has about 60.
  public var maximumSegments = 2_000
  /// Chunks of a PNG; written in pieces of 8 KB, 100 MB take 13,000.
  public var maximumChunks = 100_000
  /// Bytes of a PNG once unpacked: an A4 page of 35 million pixels has 105 MB, and half a megabyte of zeros can unpack
  /// to 400 MB, which takes seconds.
  public var maximumUnpackedBytes = 256_000_000
  /// Bytes that the decoder may keep of a JPEG of several scans; with file and picture, a row stays below 300 MB.
  public var maximumDecoderMemory = 224 << 20

  /// The limits that `decode` starts with.
  public init() {}
}

extension ImageLimits {
  /// Refuses a size that is too large or too small.
  func check(_ size: PixelSize) throws(StageFailure) {
    let words = "\(size.width) × \(size.height) pixels"
    guard size.longerSide <= maximumSide else {
      throw StageFailure(
        .imageTooLarge, "the picture has \(words); a side may have \(maximumSide)")
    }
    guard size.width * size.height <= maximumPixels else {
      throw StageFailure(
        .imageTooLarge, "the picture has \(words); \(maximumPixels) are allowed in all")
    }
    guard min(size.width, size.height) >= minimumSide else {
      throw StageFailure(
        .imageTooSmall, "the picture has \(words); each side needs at least \(minimumSide)")
    }
  }

  /// Refuses a PNG that unpacks to too many bytes; raising the limit on pixels allows for them in RGBA, too.
  func checkUnpacked(_ size: PixelSize, bitsPerPixel: Int) throws(StageFailure) {
    let bytes = size.width * size.height * bitsPerPixel / 8
    let limit = max(maximumUnpackedBytes, 4 * maximumPixels)
    guard bytes > limit else { return }
    throw StageFailure(
      .imageTooLarge, "the PNG unpacks to \(bytes) bytes; \(limit) are allowed",
      hint: "save it with 8 bits per component, or raise decode.max-pixels")
  }

  /// Refuses a JPEG of several scans whose coefficients need too much memory.
  func checkMemory(of frame: JPEGStructure.Frame) throws(StageFailure) {
    guard frame.decoderBytes > maximumDecoderMemory else { return }
    throw StageFailure(
      .imageTooLarge,
      "the JPEG of several scans needs \(frame.decoderBytes) bytes to decode; "
        + "\(maximumDecoderMemory) are allowed")
  }
}
