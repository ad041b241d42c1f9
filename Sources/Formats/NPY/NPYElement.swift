import Tensors

/// What an NPY type string such as `<f4` says of an element.
struct NPYElement: Equatable {
  enum Kind: Equatable {
    case number(DType)
    /// Characters of four bytes, padded with zeros.
    case unicode(count: Int)
    /// Bytes, padded with zeros.
    case bytes(count: Int)
  }
  var kind: Kind
  var isBigEndian: Bool
  /// Bytes of one element.
  var size: Int

  /// - `raw`: what elements of one byte without a type hold, as ml_dtypes writes its 8-bit floats.
  ///
  /// Errors: `.unsupported` for objects, dates, long doubles and structures; `.malformed` for what
  /// is no type string; `.dtype` for one-byte elements without a type when `raw` does not say.
  init(_ descr: String, raw: DType?) throws(EngineError) {
    let text = Array(descr.utf8)
    func malformed() -> EngineError {
      EngineError(
        .malformed, "the NPY element type is wrong", expected: "such as '<f4'",
        received: "'\(descr)'")
    }
    guard text.count >= 2, [0x3C, 0x3E, 0x7C, 0x3D].contains(text[0]) else { throw malformed() }
    isBigEndian = text[0] == 0x3E
    let letter = Character(Unicode.Scalar(text[1]))
    if letter == "O" {
      throw EngineError(
        .unsupported, "the array holds Python objects", expected: "numbers or text",
        hint: "save it with a numeric or string dtype")
    }
    guard let count = text.count > 2 ? Int(String(decoding: text[2...], as: UTF8.self)) : nil,
      count >= 0, text[2] != 0x2B, text[2] != 0x2D
    else { throw NPYElement.known.contains(letter) ? malformed() : NPYElement.unsupported(descr) }
    switch letter {
    case "U":
      let (bytes, overflow) = count.multipliedReportingOverflow(by: 4)
      guard !overflow else { throw malformed() }
      (kind, size) = (.unicode(count: count), bytes)
    case "S", "a": (kind, size) = (.bytes(count: count), count)
    case "V":
      if count == 2 {
        (kind, size) = (.number(.bfloat16), 2)
      } else if count == 1, let raw, raw.byteSize == 1 || raw == .float4e2m1 {
        (kind, size) = (.number(raw), 1)
      } else if count == 1 {
        throw EngineError(
          .dtype, "the array holds bytes without a type", expected: "numbers",
          hint: "8-bit floats lose their type in .npy; use .safetensors, or view them as uint8")
      } else {
        throw NPYElement.unsupported(descr)
      }
    default:
      guard NPYElement.known.contains(letter) else { throw NPYElement.unsupported(descr) }
      guard let dtype = NPYElement.numbers[descr.dropFirst()] else {
        throw NPYElement.unsupported(descr)
      }
      (kind, size) = (.number(dtype), dtype.byteSize)
    }
  }

  private static let known: Set<Character> = ["f", "i", "u", "b", "c", "U", "S", "a", "V"]
  private static let numbers: [Substring: DType] = [
    "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "i2": .int16, "i4": .int32,
    "i8": .int64, "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool,
    "c8": .complex64, "c16": .complex128,
  ]

  private static func unsupported(_ descr: String) -> EngineError {
    EngineError(
      .unsupported, "NPY elements of type '\(descr)' are not read",
      expected: "f2, f4, f8, i1 to i8, u1 to u8, b1, c8, c16, U, S or V2 (bfloat16)")
  }

  /// The type string that `dtype` is written under.
  static func descr(_ dtype: DType) -> String {
    switch dtype {
    case .bfloat16: "<V2"
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1,
      .float6e2m3, .float6e3m2:
      "|V1"
    case .int4, .int2, .int8: "|i1"
    case .uint4, .uint2, .uint8: "|u1"
    case .bool: "|b1"
    default:
      numbers.first { $0.value == dtype }.map { "<\($0.key)" } ?? "<U1"
    }
  }
}
