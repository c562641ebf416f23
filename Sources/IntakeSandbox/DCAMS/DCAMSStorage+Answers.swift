import IntakeCore

extension DCAMSStorage {
  /// The documented answer of each service, in the documented order of fields.
  func success(
    _ service: DCAMSService, _ customer: Customer, type: String? = nil
  ) -> JSONOutput {
    let (isTop, isInTarget) = statusPlaces(service)
    let status = JSONOutput.string(customer.status)
    var fields: [(String, JSONOutput)] = [("result", .string("Success"))]
    if let reference = customer.reference { fields.append(("reference", reference.output)) }
    if service == .createOrUpdateCustomer, switches[.customerLink] == "documented" {
      fields.append(("customer_link", .string(link(to: customer))))
    }
    if isTop { fields.append(("status", status)) }
    if let type { fields.append(("type", .string(type))) }
    var target = DCAMSRequest.attributes.compactMap { name in
      customer[field: name].map { (name, JSONOutput.string($0)) }
    }
    if isInTarget { target.append(("status", status)) }
    if service == .getDocumentImages { target.append(("documents", documents(customer))) }
    fields.append(("target", .object(target)))
    return .object(fields)
  }

  /// The address of the page that shows the customer, shaped like the vendor's.
  func link(to customer: Customer) -> String {
    "\(address)/admin/customers.php?a=edit&id=\(customer.number)"
  }

  private func statusPlaces(_ service: DCAMSService) -> (isTop: Bool, isInTarget: Bool) {
    switch switches[.statusLocation] {
    case "top": return (true, false)
    case "target": return (false, true)
    case "both": return (true, true)
    default: return (service != .updateStatus, service == .updateStatus)
    }
  }

  private func documents(_ customer: Customer) -> JSONOutput {
    .object(
      Side.allCases.compactMap { side in
        document(side, customer).map { (side.rawValue, $0) }
      })
  }

  private func document(_ side: Side, _ customer: Customer) -> JSONOutput? {
    guard let bytes = store.bytes(of: side, of: customer), let image = customer.images[side] else {
      switch switches[.missingBack] {
      case "empty": return .string("")
      case "null": return .null
      default: return nil
      }
    }
    let prefix = switches[.imagesAs] == "raw" ? "" : "data:\(image.mediaType);base64,"
    return .string(prefix + Base64Text.encoded(bytes))
  }
}
