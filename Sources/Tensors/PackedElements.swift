/// Reading and writing elements narrower than a byte: packed without gaps, the first element in the
/// low bits, unused bits of the last byte zero.
public struct PackedElements: Sendable {
  /// Bits of an element: 2 or 4.
  public let bits: Int
  /// Whether an element is an integer with a sign.
  public let isSigned: Bool

  /// Nil for a dtype whose elements take whole bytes.
  public init?(_ dtype: DType) {
    guard dtype.isPacked else { return nil }
    bits = dtype.bits
    isSigned = dtype.isSignedInteger
  }

  /// The bits of element `i`.
  @inlinable public func code(_ base: UnsafeRawPointer, _ i: Int) -> UInt8 {
    let bit = i &* bits
    let byte = base.load(fromByteOffset: bit >> 3, as: UInt8.self)
    return byte >> UInt8(bit & 7) & (1 << UInt8(bits) &- 1)
  }

  /// Element `i` as an integer, its sign extended.
  @inlinable public func integer(_ base: UnsafeRawPointer, _ i: Int) -> Int8 {
    let c = code(base, i)
    let gap = UInt8(8 - bits)
    return isSigned ? Int8(bitPattern: c << gap) >> Int8(gap) : Int8(bitPattern: c)
  }

  /// Writes the low bits of each of `codes`, from the first bit of `base` on.
  @inlinable public func pack(_ codes: UnsafeBufferPointer<UInt8>, _ base: UnsafeMutableRawPointer)
  {
    let perByte = 8 / bits
    let mask = UInt8(1) << UInt8(bits) &- 1
    var i = 0
    var place = 0
    while i < codes.count {
      var byte: UInt8 = 0
      for k in 0..<min(perByte, codes.count - i) {
        byte |= (codes[i + k] & mask) << UInt8(k * bits)
      }
      base.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
      place += 1
      i += perByte
    }
  }
}
