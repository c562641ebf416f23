/// The four services of DCAMS Storage.
enum DCAMSService: String, CaseIterable {
  case createOrUpdateCustomer, updateStatus, getStatus, getDocumentImages

  /// The statuses a customer can have.
  static let statuses = ["PASS", "PENDING", "FAIL"]
}

/// The errors that the DCAMS pages document, word by word.
enum DCAMSError: Error {
  case invalidEmail, missingInput, wrongCredentials, notFound

  /// The HTTP status.
  var status: Int {
    switch self {
    case .invalidEmail, .missingInput: return 400
    case .wrongCredentials: return 401
    case .notFound: return 404
    }
  }

  /// The message.
  var message: String {
    switch self {
    case .invalidEmail: return "The email address is invalid"
    case .missingInput: return "Missing a required input"
    case .wrongCredentials: return "Either your username or password is incorrect"
    case .notFound: return "The email address was not found"
    }
  }

  /// The message documented for a status, nil when the pages have none.
  static func message(for status: Int) -> String? {
    [missingInput, wrongCredentials, notFound].first { $0.status == status }?.message
  }
}
