import Tensors

/// The header of an NPY file: element type, order and shape, and where the data begins.
///
/// Source: NumPy's `numpy.lib.format`, versions 1.0 to 3.0.
struct NPYHeader {
  var descr: String
  var isFortran: Bool
  var dims: [Int]
  var dataOffset: Int

  /// NumPy's own readers take at most this by default; ours are ASCII dictionaries of three keys.
  static let maxLength = 1 << 20

  /// Errors: `.malformed`; `.unsupported` for versions beyond 3 and structured types.
  init(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    guard bytes.count >= 10, bytes.prefix(6).elementsEqual(magic) else {
      throw EngineError(.malformed, "the bytes do not begin as an NPY file does")
    }
    let major = bytes[6]
    guard (1...3).contains(major), bytes[7] == 0 else {
      throw EngineError(
        .unsupported, "NPY version \(major).\(bytes[7])", expected: "1.0, 2.0 or 3.0")
    }
    let start = major == 1 ? 10 : 12
    let length =
      major == 1
      ? bytes.little(UInt16.self, at: 8).map { Int($0) }
      : bytes.little(UInt32.self, at: 8).map { Int($0) }
    guard let length, length <= NPYHeader.maxLength, let text = bytes.slice(start, length) else {
      throw EngineError(.malformed, "the NPY header is cut off", subject: .init(offset: 8))
    }
    dataOffset = start + length
    var parser = Literal(text: text, base: start)
    (descr, isFortran, dims) = try parser.dictionary()
  }

  /// The Python dictionary `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
  struct Literal {
    let text: UnsafeRawBufferPointer
    /// Offset of the text in the file.
    let base: Int
    var at = 0

    func fail(_ expected: String) -> EngineError {
      EngineError(
        .malformed, "the NPY header is wrong", expected: expected,
        subject: .init(offset: base + at))
    }

    mutating func skipBlanks() {
      while at < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[at]) { at += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
      skipBlanks()
      guard at < text.count, text[at] == byte else { return false }
      at += 1
      return true
    }

    mutating func take(word: StaticString) -> Bool {
      skipBlanks()
      let count = word.utf8CodeUnitCount
      guard let slice = text.slice(at, count),
        slice.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: count))
      else { return false }
      at += count
      return true
    }

    mutating func string() throws(EngineError) -> String {
      skipBlanks()
      guard at < text.count, text[at] == 0x27 || text[at] == 0x22 else { throw fail("a string") }
      let quote = text[at]
      let from = at + 1
      at = from
      while at < text.count && text[at] != quote {
        guard text[at] != 0x5C, text[at] >= 0x20, text[at] < 0x7F else {
          throw fail("plain characters")
        }
        at += 1
      }
      guard at < text.count else { throw fail("the end of a string") }
      at += 1
      return String(decoding: text[from..<(at - 1)], as: UTF8.self)
    }

    mutating func integer() throws(EngineError) -> Int {
      skipBlanks()
      let from = at
      var value = 0
      while at < text.count, text[at] >= 0x30, text[at] <= 0x39 {
        let (tenfold, high) = value.multipliedReportingOverflow(by: 10)
        let (next, low) = tenfold.addingReportingOverflow(Int(text[at] - 0x30))
        guard !high && !low else { throw fail("a size below 2^63") }
        value = next
        at += 1
      }
      guard at > from else { throw fail("a size") }
      // Python 2 wrote sizes as 3L.
      if at < text.count, text[at] == 0x4C { at += 1 }
      return value
    }

    mutating func shape() throws(EngineError) -> [Int] {
      guard take(0x28) else { throw fail("a tuple of sizes") }
      var dims: [Int] = []
      while !take(0x29) {
        guard dims.count <= 64 else { throw fail("at most 64 sizes") }
        dims.append(try integer())
        if take(0x2C) { continue }
        guard dims.count != 1, take(0x29) else { throw fail("a comma") }
        break
      }
      return dims
    }

    mutating func dictionary() throws(EngineError) -> (String, Bool, [Int]) {
      var descr: String?
      var order: Bool?
      var dims: [Int]?
      guard take(0x7B) else { throw fail("a dictionary") }
      while !take(0x7D) {
        let key = try string()
        guard take(0x3A) else { throw fail("a colon") }
        switch key {
        case "descr" where descr == nil:
          skipBlanks()
          if at < text.count, text[at] == 0x5B {
            throw EngineError(
              .unsupported, "the array has named fields", expected: "one element type",
              hint: "save each field as its own array")
          }
          descr = try string()
        case "fortran_order" where order == nil:
          if take(word: "True") {
            order = true
          } else if take(word: "False") {
            order = false
          } else {
            throw fail("True or False")
          }
        case "shape" where dims == nil: dims = try shape()
        default: throw fail("each of descr, fortran_order and shape once")
        }
        if take(0x2C) { continue }
        guard take(0x7D) else { throw fail("a comma or the end of the dictionary") }
        break
      }
      skipBlanks()
      guard at == text.count, let descr, let order, let dims else {
        throw fail("descr, fortran_order and shape, and no more")
      }
      return (descr, order, dims)
    }
  }
}
