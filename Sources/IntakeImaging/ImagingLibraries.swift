import CImaging

/// The C libraries that decode and encode, for `--version`.
public enum ImagingLibraries {
  /// Names with versions; the one that is loaded where the library tells, else the one compiled against.
  public static var versions: [(name: String, version: String)] {
    let compiled = String(cString: imaging_png_version_compiled())
    let loaded = String(cString: imaging_png_version_loaded())
    let png = loaded == compiled ? loaded : "\(loaded) (built against \(compiled))"
    return [
      (String(cString: imaging_jpeg_name()), String(cString: imaging_jpeg_version())),
      ("libpng", png),
    ]
  }
}
