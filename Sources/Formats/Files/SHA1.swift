/// The 160-bit digest that the portable format prescribes for external data. It finds damage; it
/// does not resist an adversary.
///
/// Source: FIPS 180-4; ONNX `docs/ExternalData.md`.
public struct SHA1 {
  private var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
  private var blocks = HashBlocks()

  public init() {}

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var state = state
    blocks.update(bytes) { SHA1.compress(&state, $0) }
    self.state = state
  }

  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The 20 bytes of the digest. Nothing may be added afterwards.
  public mutating func finish() -> [UInt8] {
    update(blocks.padding())
    return state.flatMap { w in
      (0..<4).map { UInt8(truncatingIfNeeded: w >> (24 - 8 * UInt32($0))) }
    }
  }

  /// The digest in lower-case hexadecimal digits.
  public mutating func hex() -> String { HashBlocks.hex(finish()) }

  private static func compress(_ state: inout [UInt32], _ block: UnsafeRawBufferPointer) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 80) { w in
      for i in 0..<16 {
        w[i] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self))
      }
      for i in 16..<80 { w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1) }
      var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
      for i in 0..<80 {
        let f: UInt32
        let k: UInt32
        switch i {
        case 0..<20: (f, k) = ((b & c) | (~b & d), 0x5A82_7999)
        case 20..<40: (f, k) = (b ^ c ^ d, 0x6ED9_EBA1)
        case 40..<60: (f, k) = ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
        default: (f, k) = (b ^ c ^ d, 0xCA62_C1D6)
        }
        let t = rotate(a, 5) &+ f &+ e &+ k &+ w[i]
        (e, d, c, b, a) = (d, c, rotate(b, 30), a, t)
      }
      for (i, v) in [a, b, c, d, e].enumerated() { state[i] = state[i] &+ v }
    }
  }

  private static func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x << n | x >> (32 - n) }
}
