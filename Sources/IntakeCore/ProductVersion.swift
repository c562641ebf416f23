/// The program's own version.
public enum ProductVersion {
  /// Major, minor and patch (semver.org).
  public static let number = "0.1.0"
}
