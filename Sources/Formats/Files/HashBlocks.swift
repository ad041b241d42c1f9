/// Cuts a stream of bytes into the 64-byte blocks of the SHA family and pads its end.
struct HashBlocks {
  private var rest: [UInt8] = []
  private var length: UInt64 = 0

  mutating func update(
    _ bytes: UnsafeRawBufferPointer, _ compress: (UnsafeRawBufferPointer) -> Void
  ) {
    length &+= UInt64(bytes.count)
    var at = 0
    if !rest.isEmpty {
      at = min(64 - rest.count, bytes.count)
      rest.append(contentsOf: bytes[0..<at])
      guard rest.count == 64 else { return }
      rest.withUnsafeBytes { compress($0) }
      rest.removeAll(keepingCapacity: true)
    }
    while bytes.count - at >= 64 {
      compress(UnsafeRawBufferPointer(rebasing: bytes[at..<at + 64]))
      at += 64
    }
    rest.append(contentsOf: bytes[at...])
  }

  /// A one bit, zeros up to the last eight bytes of a block, and the length in bits.
  func padding() -> [UInt8] {
    var tail: [UInt8] = [0x80]
    while (rest.count + tail.count) % 64 != 56 { tail.append(0) }
    let bits = length &* 8
    for i in 0..<8 { tail.append(UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * i))) }
    return tail
  }

  static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
