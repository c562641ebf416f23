import IntakeCore

/// The names that people and programs give to the columns, for `--map-known` and for what an error proposes.
///
/// English first, then German, Spanish and French. Case, accents, blanks and signs do not count: `E-Mail`,
/// `e_mail` and `EMAIL*` are one name. Exports of shops put the kind of address first: `Default Address City`.
enum KnownNames {
  /// The names of each column, the most usual first, as the documentation shows them.
  static let table = lines.compactMap { line -> (column: Column, names: [String])? in
    guard let (name, names) = line.halves(at: ":"), let column = Column(rawValue: name) else {
      return nil
    }
    return (column, names.split(separator: ",").map { String($0.drop { $0 == " " }) })
  }

  private static let lines = """
    id: ID, Customer ID, Client ID, Row ID, Record ID, User ID, Contact ID, Account ID, \
      External ID, Customer Number, Customer No, Kundennummer, Kunden-ID, Kunden-Nr, ID Cliente, \
      Número de cliente, Numéro client, ID client
    reference: Reference, Ref, Reference Number, Reference No, Ref No, Your Reference, Order ID, \
      Order Number, Invoice, Invoice Number, Referenz, Referenznummer, Aktenzeichen, \
      Bestellnummer, Referencia, Número de referencia, Référence, Numéro de référence
    email: Email, E-mail, Email Address, E-mail Address, Mail, Mail Address, Customer Email, \
      Contact Email, Primary Email, Work Email, E-Mail-Adresse, Mailadresse, Correo electrónico, \
      Correo, Dirección de correo electrónico, Courriel, Adresse e-mail, Adresse courriel, \
      Adresse électronique, Billing Email
    fn: First Name, Given Name, Forename, Given Names, First Names, Firstname, fname, First, \
      Customer First Name, Contact First Name, Vorname, Vornamen, Rufname, Nombre, Nombres, \
      Primer nombre, Nombre de pila, Prénom, Prénoms
    ln: Last Name, Surname, Family Name, Lastname, lname, Last, Customer Last Name, \
      Contact Last Name, Nachname, Familienname, Zuname, Apellido, Apellidos, Primer apellido, \
      Nom de famille, Nom
    mn: Middle Name, Middle Names, Middle Initial, Middle, MI, Second Name, Additional Name, \
      Zweiter Vorname, Weitere Vornamen, Segundo nombre, Deuxième prénom, Autres prénoms
    addr: Address, Street, Street Address, Address 1, Address Line 1, Addr 1, Address1, \
      Street 1, Mailing Street, Home Address, Residential Address, Straße, Strasse, Anschrift, \
      Adresse, Straße und Hausnummer, Straße Nr, Dirección, Calle, Domicilio, Dirección 1, Rue, \
      Adresse 1, Adresse ligne 1
    addr2: Address 2, Address Line 2, Addr2, Street 2, Apartment, Apt, Suite, Unit, Apt Suite, \
      Apt Unit, Adresszusatz, Zusatz, Anschrift 2, Dirección 2, Complemento, Piso, \
      Complément d'adresse, Adresse 2, Adresse ligne 2
    city: City, Town, City/Town, Locality, Suburb, Municipality, Mailing City, Stadt, Ort, \
      Wohnort, Ciudad, Localidad, Población, Municipio, Ville, Commune, Localité
    state: State, State/Province, Province, Region, County, State Code, Province Code, \
      State/Region, Mailing State, Bundesland, Kanton, Provinz, Estado, Provincia, Región, \
      Comunidad autónoma, Province/État, État, Région, Département
    zip: Zip, Zip Code, Postal Code, Postcode, Post Code, Zip/Postal Code, Postal, \
      Postal/Zip Code, Mailing Zip, PLZ, Postleitzahl, Código postal, CP, C.P., Code postal
    country: Country, Country Code, Country/Region, Nation, Mailing Country, Land, Ländercode, \
      Staat, Wohnsitzland, País, Código de país, Pays, Code pays
    dob: DOB, Date of Birth, Birth Date, Birthdate, Birthday, D.O.B., Born, Born On, \
      Geburtsdatum, Geburtstag, Geb., Geb.-Datum, Fecha de nacimiento, Nacimiento, \
      F. Nacimiento, Date de naissance, Né(e) le, Naissance
    phone: Phone, Phone Number, Telephone, Phone No, Tel, Telephone Number, Mobile, \
      Mobile Phone, Mobile Number, Cell, Cell Phone, Home Phone, Work Phone, Contact Number, \
      Telefon, Telefonnummer, Tel.-Nr., Rufnummer, Handy, Handynummer, Mobilnummer, Teléfono, \
      Número de teléfono, Móvil, Celular, Téléphone, Numéro de téléphone, Portable
    front: Front, Front Image, Image Front, Front Side, ID Front, Front Scan, Scan Front, \
      Front File, Front Photo, Front of ID, Document Front, Front Path, Vorderseite, \
      Vorderseite Scan, Anverso, Frente, Recto
    back: Back, Back Image, Image Back, Back Side, ID Back, Back Scan, Scan Back, Back File, \
      Back Photo, Back of ID, Document Back, Back Path, Rückseite, Rückseite Scan, Reverso, \
      Dorso, Verso
    status: Status, KYC Status, Verification Status, Estado de verificación, Statut
    id_type: ID Type, Document Type, Type of Document, Identity Document Type, Ausweisart, \
      Dokumentart, Ausweistyp, Tipo de documento, Type de document, Type de pièce
    id_number: ID Number, Document Number, Document No, Passport Number, License Number, \
      Licence Number, Driver's License Number, Ausweisnummer, Dokumentnummer, Passnummer, \
      Número de documento, DNI, Numéro de document, Numéro de pièce
    id_country: ID Country, Issuing Country, Country of Issue, Document Country, \
      Ausstellungsland, País de emisión, Pays de délivrance, Pays d'émission
    id_issued: Issue Date, ID Issued, Date of Issue, Issued, Issued On, Ausstellungsdatum, \
      Ausgestellt am, Fecha de emisión, Fecha de expedición, Date de délivrance, Date d'émission
    id_expiry: Expiry Date, ID Expiry, Date of Expiry, Expiration Date, Expires, Expires On, \
      Valid Until, Expiry, Ablaufdatum, Gültig bis, Fecha de caducidad, Fecha de vencimiento, \
      Date d'expiration, Valable jusqu'au
    """.split(separator: "\n")

  /// The column that people mean by a name, and how usual the name is for it, 0 for the most; nil for any other.
  static func column(of name: String) -> (column: ColumnName, rank: Int)? {
    let key = condensed(name)
    guard !key.isEmpty else { return nil }
    if let found = index[key] { return (ColumnName(found.column), found.rank) }
    for prefix in prefixes where key.hasPrefix(prefix) && key.utf8.count > prefix.utf8.count {
      if let found = index[String(key.dropFirst(prefix.count))] {
        return (ColumnName(found.column), found.rank + 100)
      }
    }
    return nil
  }

  /// Whether a name stands for first and last name in one, which nobody can tell apart.
  static func isFullName(_ name: String) -> Bool { fullNames.contains(condensed(name)) }

  private static let fullNames = words(
    """
    name fullname customername clientname contactname displayname vollername kundenname \
    nombrecompleto nombreyapellidos nomcomplet nometprenom
    """)

  /// What shops and address books put before the parts of an address.
  private static let prefixes = words(
    """
    defaultaddress billingaddress billing homeaddress home mailingaddress mailing customer contact \
    client residential address applicant user primary
    """)

  private static func words(_ text: String) -> [String] {
    text.split(separator: " ").map(String.init)
  }

  private static let index: [String: (column: Column, rank: Int)] = {
    var index: [String: (column: Column, rank: Int)] = [:]
    for (column, names) in table {
      for (rank, name) in ([column.rawValue] + names).enumerated()
      where index[condensed(name)] == nil {
        index[condensed(name)] = (column, rank)
      }
    }
    return index
  }()

  /// Letters and digits only, in lower case and without accents; what stands in brackets is a remark.
  private static func condensed(_ name: String) -> String {
    let open = name.firstIndex { $0 == "(" || $0 == "[" } ?? name.endIndex
    let text = open > name.startIndex ? name[..<open] : name[...]
    var result = ""
    for scalar in text.lowercased().unicodeScalars {
      if let plain = accents[scalar] {
        result += plain
      } else if scalar.value < 0x80
        ? UInt8(scalar.value).isASCIIAlphanumeric : scalar.properties.isAlphabetic
      {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Letters with an accent by what stands for them without one.
  private static let accents = Dictionary(
    uniqueKeysWithValues: [
      ("a", "àáâãäå"), ("c", "ç"), ("e", "èéêë"), ("i", "ìíîï"), ("n", "ñ"), ("o", "òóôõö"),
      ("u", "ùúûü"), ("ss", "ß"),
    ].flatMap { plain, accented in accented.unicodeScalars.map { ($0, plain) } })
}
