import Glibc
import Tensors

/// Reads decimal numbers from bytes with exact rounding, to the nearest value and ties to even.
///
/// `digits` collects up to 19 digits into an integer `w` and an exponent `e`. A `Float` is taken
/// from the `Double` `w * 10^e`, whose error is under two ulp, unless that lies within eight ulp of
/// the middle between two floats, or out of the range of normal floats. A `Double` is taken from it
/// when `w` and `10^|e|` are exact (Clinger 1990), and for `|e| <= 27` from the 128-bit product or
/// quotient by `5^|e|`. What remains goes to the standard library, which is exact and slower.
enum DecimalParser {
  /// The digits of a number: `(-1)^negative * significand * 10^exponent`.
  struct Digits {
    var significand: UInt64 = 0
    var exponent = 0
    var negative = false
    /// Whether digits after the nineteenth were dropped.
    var truncated = false
  }

  private static let powersOfFive: [UInt64] = (0...27).map { n in
    (0..<n).reduce(1) { value, _ in value * 5 }
  }
  nonisolated(unsafe) private static let table: UnsafePointer<Double> = {
    let memory = UnsafeMutablePointer<Double>.allocate(capacity: 617)
    for e in -308...308 { (memory + (308 + e)).initialize(to: Double("1e\(e)") ?? 0) }
    return UnsafePointer(memory + 308)
  }()

  /// The middle of a table of `10^-308 ... 10^308`, each rounded, for a caller of the fast ways.
  static var powerTable: UnsafePointer<Double> { table }

  /// Reads the longest number at `p` and returns the byte behind it, or nil when none begins here.
  /// The memory must end in a byte that is no part of a number.
  @inline(__always)
  static func digits(_ start: UnsafePointer<UInt8>, _ out: inout Digits) -> UnsafePointer<UInt8>? {
    var p = start
    var w: UInt64 = 0
    var e = 0
    let first = p.pointee
    out.negative = first == 0x2D
    if first == 0x2D || first == 0x2B { p += 1 }
    let integers = p
    while true {
      let d = p.pointee &- 0x30
      if d > 9 { break }
      w = w &* 10 &+ UInt64(d)
      p += 1
    }
    var count = p - integers
    if p.pointee == 0x2E {
      p += 1
      let fraction = p
      while true {
        let d = p.pointee &- 0x30
        if d > 9 { break }
        w = w &* 10 &+ UInt64(d)
        p += 1
      }
      e = fraction - p
      count += p - fraction
    }
    if count == 0 { return nil }
    out.truncated = false
    if count > 19 { recount(integers, p, &w, &e, &out.truncated) }
    if p.pointee | 0x20 == 0x65 {
      var q = p + 1
      let minus = q.pointee == 0x2D
      if minus || q.pointee == 0x2B { q += 1 }
      if q.pointee &- 0x30 <= 9 {
        var x = 0
        while true {
          let d = q.pointee &- 0x30
          if d > 9 { break }
          if x < 100_000_000 { x = x * 10 + Int(d) }
          q += 1
        }
        e += minus ? -x : x
        p = q
      }
    }
    out.significand = w
    out.exponent = e
    return p
  }

  /// The first nineteen significant digits of a long number, the rest as an exponent.
  @inline(never)
  private static func recount(
    _ from: UnsafePointer<UInt8>, _ to: UnsafePointer<UInt8>, _ w: inout UInt64, _ e: inout Int,
    _ truncated: inout Bool
  ) {
    w = 0
    e = 0
    var taken = 0
    var pointSeen = false
    var p = from
    while p < to {
      let c = p.pointee
      p += 1
      if c == 0x2E {
        pointSeen = true
        continue
      }
      if taken < 19 {
        w = w * 10 + UInt64(c - 0x30)
        if w != 0 { taken += 1 }
        if pointSeen { e -= 1 }
      } else {
        if c != 0x30 { truncated = true }
        if !pointSeen { e += 1 }
      }
    }
  }

  /// The nearest `Float`, or nil when only the slow way can tell. `powers` is `powerTable`.
  @inline(__always)
  static func fastFloat(_ d: Digits, _ powers: UnsafePointer<Double>) -> Float? {
    let e = d.exponent
    if e < -308 || e > 308 { return nil }
    let value = Double(d.significand) * powers[e]
    let bits = value.bitPattern
    if e == 0 && d.significand < 1 << 53 && !d.truncated {
      return d.negative ? -Float(value) : Float(value)
    }
    // 2^-126 and 2^128 bound the normal floats; zero is exact.
    if d.significand == 0 { return d.negative ? -0.0 : 0.0 }
    if value < 0x1.0p-125 || value > 0x1.0p127 { return nil }
    if (bits &+ 8) & 0x1FFF_FFFF &- 0x1000_0000 <= 16 { return nil }
    return d.negative ? -Float(value) : Float(value)
  }

  /// The nearest `Double`, or nil when only the slow way can tell.
  @inline(__always)
  static func fastDouble(_ d: Digits, _ powers: UnsafePointer<Double>) -> Double? {
    let (w, e) = (d.significand, d.exponent)
    if d.truncated { return nil }
    if w < 1 << 53 && e >= -22 && e <= 22 {
      let value = e < 0 ? Double(w) / powers[-e] : Double(w) * powers[e]
      return d.negative ? -value : value
    }
    return exactDouble(d)
  }

  @inline(never)
  private static func exactDouble(_ d: Digits) -> Double? {
    let e = d.exponent
    guard d.significand != 0 else { return d.negative ? -0.0 : 0.0 }
    guard e >= -27 && e <= 27 else { return nil }
    // value = mantissa * 2^power, with the lowest bit of the mantissa sticky.
    let shift = d.significand.leadingZeroBitCount
    let w = d.significand << UInt64(shift)
    let five = powersOfFive[abs(e)]
    var mantissa: UInt64
    var power: Int
    if e >= 0 {
      let product = w.multipliedFullWidth(by: five)
      let lead = product.high.leadingZeroBitCount
      if lead == 64 {
        (mantissa, power) = (product.low, 0)
      } else {
        mantissa = product.high << UInt64(lead)
        if lead > 0 { mantissa |= product.low >> UInt64(64 - lead) }
        if product.low << UInt64(lead) != 0 { mantissa |= 1 }
        power = 64 - lead
      }
    } else {
      // w / five with w < 2^64 in the upper half and the divisor's top bit set keeps the quotient
      // within 64 bits and at least 63 of them.
      let lead = five.leadingZeroBitCount
      let divisor = five << UInt64(lead)
      let (quotient, remainder) = divisor.dividingFullWidth((w >> 1, w << 63))
      mantissa = remainder == 0 ? quotient : quotient | 1
      power = lead - 63
    }
    power += e - shift
    // Rounding to 53 bits happens once, here: the integer's top bit is set or next to it.
    let value = Double(mantissa)
    let scaled = scalbn(value, Int32(power))
    return d.negative ? -scaled : scaled
  }

  /// The standard library's reading of exactly these bytes; nil when they are not a number.
  @inline(never)
  static func slowFloat(_ from: UnsafePointer<UInt8>, _ to: UnsafePointer<UInt8>) -> Float? {
    Float(String(decoding: UnsafeBufferPointer(start: from, count: to - from), as: UTF8.self))
  }

  @inline(never)
  static func slowDouble(_ from: UnsafePointer<UInt8>, _ to: UnsafePointer<UInt8>) -> Double? {
    Double(String(decoding: UnsafeBufferPointer(start: from, count: to - from), as: UTF8.self))
  }
}
