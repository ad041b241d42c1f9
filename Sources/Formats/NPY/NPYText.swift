import Tensors

/// Strings in NPY files: of fixed width, padded with zeros.
enum NPYText {
  /// Errors: `.malformed` for characters that do not exist and bytes that are not UTF-8; `.budget`.
  static func read(
    _ data: UnsafeRawBufferPointer, _ element: NPYElement, _ shape: Shape, _ limits: TensorLimits
  ) throws(EngineError) -> [String] {
    guard element.size > 0 || shape.count == 0 else {
      throw EngineError(.malformed, "the array has strings of no width")
    }
    // A string takes sixteen bytes of its own, however short it is in the file.
    guard shape.count <= limits.bytes / 16 else {
      throw EngineError(.budget, "the array has too many strings", received: "\(shape.count)")
    }
    var strings: [String] = []
    strings.reserveCapacity(shape.count)
    for i in 0..<shape.count {
      let from = i * element.size
      guard let cell = data.slice(from, element.size) else { break }
      switch element.kind {
      case .unicode(let count): strings.append(try text(cell, count, element.isBigEndian, from))
      default:
        var used = cell.count
        while used > 0, cell[used - 1] == 0 { used -= 1 }
        guard let text = String(validating: cell[..<used], as: UTF8.self) else {
          throw EngineError(
            .malformed, "bytes of the NPY file are not UTF-8 text", received: "element \(i)")
        }
        strings.append(text)
      }
    }
    return strings
  }

  private static func text(
    _ cell: UnsafeRawBufferPointer, _ count: Int, _ isBigEndian: Bool, _ offset: Int
  ) throws(EngineError) -> String {
    func code(_ i: Int) -> UInt32 {
      let word = cell.little(UInt32.self, at: i * 4) ?? 0
      return isBigEndian ? word.byteSwapped : word
    }
    var used = count
    while used > 0, code(used - 1) == 0 { used -= 1 }
    var scalars = String.UnicodeScalarView()
    for i in 0..<used {
      guard let scalar = Unicode.Scalar(code(i)) else {
        throw EngineError(
          .malformed, "text in the NPY file has a character that does not exist",
          received: "number \(code(i))", subject: .init(offset: offset + i * 4))
      }
      scalars.append(scalar)
    }
    return String(scalars)
  }

  /// Characters of the longest string, at least one, as NumPy does.
  ///
  /// Errors: `.value` for a string that ends in a zero character, which would be lost.
  static func width(_ strings: [String]) throws(EngineError) -> Int {
    var width = 1
    for string in strings {
      if string.unicodeScalars.last == "\0" {
        throw EngineError(.value, "a string that ends in NUL cannot be kept in an NPY file")
      }
      width = max(width, string.unicodeScalars.count)
    }
    return width
  }

  static func append(_ string: String, width: Int, to bytes: inout [UInt8]) {
    var count = 0
    for scalar in string.unicodeScalars {
      bytes.appendLittle(scalar.value)
      count += 1
    }
    bytes.append(contentsOf: repeatElement(0, count: 4 * (width - count)))
  }
}
