/// Reading and writing elements narrower than a byte: packed without gaps, the first element in the
/// low bits, unused bits of the last byte zero.
public struct PackedElements: Sendable {
  /// Bits of an element: 2, 4 or 6.
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
    var word = UInt16(base.load(fromByteOffset: bit >> 3, as: UInt8.self))
    if bit & 7 &+ bits > 8 {
      word |= UInt16(base.load(fromByteOffset: bit >> 3 &+ 1, as: UInt8.self)) << 8
    }
    return UInt8(truncatingIfNeeded: word >> UInt16(bit & 7)) & (1 << UInt8(bits) &- 1)
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
    let mask = UInt8(1) << UInt8(bits) &- 1
    var word: UInt16 = 0
    var held: UInt16 = 0
    var place = 0
    for code in codes {
      word |= UInt16(code & mask) << held
      held += UInt16(bits)
      if held >= 8 {
        base.storeBytes(
          of: UInt8(truncatingIfNeeded: word), toByteOffset: place, as: UInt8.self)
        word >>= 8
        held -= 8
        place += 1
      }
    }
    if held > 0 {
      base.storeBytes(of: UInt8(truncatingIfNeeded: word), toByteOffset: place, as: UInt8.self)
    }
  }

  /// Writes the low bits of `code` as element `i`, whose bits were zero.
  @inlinable public func add(_ code: UInt8, _ base: UnsafeMutableRawPointer, _ i: Int) {
    let bit = i &* bits
    let word = UInt16(code & (UInt8(1) << UInt8(bits) &- 1)) << UInt16(bit & 7)
    let first = base.load(fromByteOffset: bit >> 3, as: UInt8.self)
    base.storeBytes(
      of: first | UInt8(truncatingIfNeeded: word), toByteOffset: bit >> 3, as: UInt8.self)
    guard word > 0xFF else { return }
    let second = base.load(fromByteOffset: bit >> 3 &+ 1, as: UInt8.self)
    base.storeBytes(
      of: second | UInt8(truncatingIfNeeded: word >> 8), toByteOffset: bit >> 3 &+ 1,
      as: UInt8.self)
  }
}
