import IntakeCore
import IntakeCrypto
import Testing

struct DigestTests {
  /// Examples of NIST for FIPS 180-4, and the empty message.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func sha256GivesThePublishedDigests(text: String, digest: String) throws {
    #expect(try Hex.text(Digest.sha256(Array(text.utf8))) == digest)
  }

  @Test func aMillionLettersInPiecesGiveThePublishedDigest() throws {
    var stream = try SHA256Stream()
    for size in [1, 63, 64, 65, 999_807] { try stream.update(.init(repeating: 0x61, count: size)) }
    let digest = try stream.finish()
    #expect(
      Hex.text(digest) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// RFC 4231, test cases 1, 2, 3, 6 and 7: short keys and keys longer than a block.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      [UInt8](repeating: 0xAA, count: 131),
      Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    (
      [UInt8](repeating: 0xAA, count: 131),
      Array(
        ("This is a test using a larger than block-size key and a larger than block-size data. "
          + "The key needs to be hashed before being used by the HMAC algorithm.").utf8),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
    ),
  ])
  func hmacGivesThePublishedCodes(key: [UInt8], message: [UInt8], code: String) throws {
    let codes = try MessageAuthentication(key: key)
    // Twice, because the key is set up for the first message only.
    #expect(try Hex.text(codes.code(of: message)) == code)
    #expect(try Hex.text(codes.code(of: message)) == code)
  }

  @Test func anEmptyKeyIsAKey() throws {
    let code = try MessageAuthentication(key: []).code(of: [])
    #expect(Hex.text(code) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test func keysPrintNothing() throws {
    let key = try Secret.random(bytes: 32)
    var dumped = ""
    dump(key, to: &dumped)
    #expect("\(key)" == "[secret]" && key.exposed.count == 32)
    #expect(!dumped.contains("exposed"))
  }

  @Test func twoKeysDiffer() throws {
    #expect(try !Secret.random(bytes: 32).matches(.random(bytes: 32)))
  }
}
