import Testing

@testable import Formats

@Suite struct DecimalParserTests {
  func parse(_ text: String) -> (Float?, Double?, Int) {
    var bytes = Array(text.utf8)
    bytes.append(contentsOf: [UInt8](repeating: 0, count: 16))
    return bytes.withUnsafeBufferPointer { b in
      let start = b.baseAddress.unsafelyUnwrapped
      var d = DecimalParser.Digits()
      guard let end = DecimalParser.digits(start, &d) else { return (nil, nil, 0) }
      let table = DecimalParser.powerTable
      return (
        DecimalParser.fastFloat(d, table) ?? DecimalParser.slowFloat(start, end),
        DecimalParser.fastDouble(d, table) ?? DecimalParser.slowDouble(start, end), end - start
      )
    }
  }

  func check(_ text: String) {
    let (f, d, n) = parse(text)
    #expect(n == text.utf8.count, "\(text)")
    #expect(f?.bitPattern == Float(text)?.bitPattern, "\(text)")
    #expect(d?.bitPattern == Double(text)?.bitPattern, "\(text)")
  }

  @Test(arguments: [
    "0", "-0", "+0.0", "0e500", "1", "16777217", "16777217.0", "33554433", "9007199254740993",
    "9007199254740993.0", "1.17549435e-38", "1.1754942e-38", "1e-45", "7e-46", "3.4028235e38",
    "3.40282357e38", "1e39", "-1e400", "1e-400", "1.7976931348623157e308", "4.9e-324",
    "2.2250738585072011e-308", "123456789012345678901234567890", "0.000000000000000000000000123",
    "1.00000005960464477539062500", "1.000000059604644775390625000000001", ".5", "5.",
    "0.1234567890123456789", "18446744073709551615", "18446744073709551616e-20",
    "8.5899341e9", "6.02214076e23", "1e22", "1e23", "9.5367431640625e-7", "1e+05", "1E-05",
    "1e00000000000000000000000000000000000001", "179769313486231580793e289",
    "00000000000000000001.5",
  ]) func roundsExactly(_ text: String) { check(text) }

  @Test func roundsRandomNumbersExactly() {
    var state: UInt64 = 0x1234_5678_9ABC_DEF1
    func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    for _ in 0..<4000 {
      let f = Float(bitPattern: UInt32(truncatingIfNeeded: next()))
      if f.isFinite { check(f.description) }
      let d = Double(bitPattern: next())
      if d.isFinite { check(d.description) }
      let short = Double(Int64(truncatingIfNeeded: next()) >> 20) / 1_000_000
      check(short.description)
      check("\(next() % 1_000_000_000).\(next())e-\(next() % 30)")
      // The middle between two floats, and next to it.
      let g = Float(bitPattern: UInt32(truncatingIfNeeded: next() % 0x7F00_0000))
      let middle = (Double(g) + Double(g.nextUp)) / 2
      check(middle.description)
      check(middle.nextUp.description)
      check(middle.nextDown.description)
    }
  }

  @Test func takesNoMoreThanANumber() {
    #expect(parse("1e,").2 == 1)
    #expect(parse("1e+,").2 == 1)
    #expect(parse("1.5.2").2 == 3)
    #expect(parse("-").0 == nil)
    #expect(parse(".").0 == nil)
    #expect(parse("x").0 == nil)
  }
}
