import CImaging

/// The C libraries that decode and encode, for `--version`.
public enum ImagingLibraries {
  /// Names with versions: as compiled against, and as loaded where the library tells.
  public static var versions: [String] {
    let compiled = String(cString: imaging_png_version_compiled())
    let loaded = String(cString: imaging_png_version_loaded())
    return [
      String(cString: imaging_jpeg_version()),
      "libpng \(loaded)" + (loaded == compiled ? "" : " (built against \(compiled))"),
    ]
  }
}
