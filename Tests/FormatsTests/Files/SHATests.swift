import Testing

@testable import Formats

/// Reference digests: FIPS 180-4 examples, and `sha256sum` and `sha1sum` for the long ones.
@Suite struct SHATests {
  func sha256(_ bytes: [UInt8], step: Int = .max) -> String {
    var sha = SHA256()
    for start in stride(from: 0, to: bytes.count, by: min(step, max(bytes.count, 1))) {
      sha.update(Array(bytes[start..<min(start + min(step, bytes.count), bytes.count)]))
    }
    return sha.hex()
  }

  @Test func referenceDigests() {
    #expect(
      sha256(Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(sha256([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    let two = Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
    #expect(sha256(two) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    var one = SHA1()
    one.update(Array("abc".utf8))
    #expect(one.hex() == "a9993e364706816aba3e25717850c26c9cd0d89d")
    var empty = SHA1()
    #expect(empty.hex() == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
  }

  @Test func piecesDoNotMatter() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    let whole = sha256(bytes)
    for step in [1, 7, 63, 64, 65, 128, 999] { #expect(sha256(bytes, step: step) == whole) }
  }

  @Test(arguments: [55, 56, 63, 64, 119, 120]) func paddingFitsOrTakesABlock(count: Int) {
    let references = [
      55: "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318",
      56: "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a",
      63: "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34",
      64: "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb",
      119: "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb",
      120: "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c",
    ]
    #expect(sha256([UInt8](repeating: UInt8(ascii: "a"), count: count)) == references[count])
  }
}
