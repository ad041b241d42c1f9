extension Tensor {
  /// Element `i` in row-major order as text, for every dtype: the shortest decimal digits that
  /// tell floats apart, `(1.0-2.0j)` for complex numbers, strings quoted.
  ///
  /// `i` must lie in `0..<count`.
  public func elementText(_ i: Int) -> String {
    precondition(i >= 0 && i < count, "element \(i) of \(type)")
    let bytes = UnsafeRawBufferPointer(start: storage.bytes, count: byteCount)
    defer { withExtendedLifetime(storage) {} }
    func load<T: BitwiseCopyable>(_: T.Type) -> T {
      bytes.loadUnaligned(fromByteOffset: i * MemoryLayout<T>.size, as: T.self)
    }
    /// The bits of an element of less than a byte: the first lies in the low bits.
    func packed(_ bits: Int) -> UInt8 {
      let place = i * bits
      return bytes[place / 8] >> UInt8(place % 8) & (1 << UInt8(bits) - 1)
    }
    func signed(_ raw: UInt8, _ bits: Int) -> String {
      let shift = UInt8(8 - bits)
      return "\(Int8(bitPattern: raw << shift) >> shift)"
    }
    func complex<T: BinaryFloatingPoint & BitwiseCopyable>(_: T.Type) -> String {
      let size = MemoryLayout<T>.size
      let re = bytes.loadUnaligned(fromByteOffset: 2 * i * size, as: T.self)
      let im = bytes.loadUnaligned(fromByteOffset: (2 * i + 1) * size, as: T.self)
      let sign = im.sign == .minus && !im.isNaN ? "-" : "+"
      return "(\(number(re))\(sign)\(number(im.magnitude))j)"
    }
    return switch dtype {
    case .float32: number(load(Float.self))
    case .float64: number(load(Double.self))
    case .float16: number(load(Float16.self))
    case .bfloat16: number(load(BFloat16.self).float)
    case .int8: "\(load(Int8.self))"
    case .int16: "\(load(Int16.self))"
    case .int32: "\(load(Int32.self))"
    case .int64: "\(load(Int64.self))"
    case .uint8: "\(load(UInt8.self))"
    case .uint16: "\(load(UInt16.self))"
    case .uint32: "\(load(UInt32.self))"
    case .uint64: "\(load(UInt64.self))"
    case .bool: bytes[i] != 0 ? "true" : "false"
    case .string: quotedText(strings[i], limit: 80)
    case .complex64: complex(Float.self)
    case .complex128: complex(Double.self)
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0:
      number(smallFloat(bytes[i], dtype))
    case .float4e2m1: number(smallFloat(packed(4), dtype))
    case .float6e2m3, .float6e3m2: number(smallFloat(sixBits(bytes, i), dtype))
    case .uint4: "\(packed(4))"
    case .uint2: "\(packed(2))"
    case .int4: signed(packed(4), 4)
    case .int2: signed(packed(2), 2)
    }
  }
}

/// The sign of a NaN means nothing and is not shown.
private func number(_ x: some BinaryFloatingPoint) -> String { x.isNaN ? "nan" : "\(x)" }

/// The bits of a 6-bit element, which may lie in two bytes.
private func sixBits(_ bytes: UnsafeRawBufferPointer, _ i: Int) -> UInt8 {
  guard let base = bytes.baseAddress else { return 0 }
  return PackedElements(.float6e2m3)?.code(base, i) ?? 0
}

private func smallFloat(_ bits: UInt8, _ dtype: DType) -> Float {
  NarrowFloat(dtype)?.decode(bits) ?? .nan
}

/// `text` in double quotes, with control characters, quotes and backslashes escaped, cut after
/// `limit` characters.
public func quotedText(_ text: String, limit: Int = .max) -> String {
  var result = "\""
  var n = 0
  for scalar in text.unicodeScalars {
    if n == limit {
      result += "…"
      break
    }
    n += 1
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    default:
      // Controls, and what reverses or hides text on a terminal.
      if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
        || (0x200B...0x200F).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value)
        || (0x2066...0x2069).contains(scalar.value) || scalar.value == 0xFEFF
      {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
  return result + "\""
}
