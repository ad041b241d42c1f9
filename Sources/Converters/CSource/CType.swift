import Tensors

/// The types of C that elements have, and how numbers are written in them.
enum CType {
  /// Nil for types that C source does not have: strings, half and eighth floats, packed integers.
  static func name(_ dtype: DType) -> String? {
    switch dtype {
    case .float32: "float"
    case .float64: "double"
    case .int8: "int8_t"
    case .int16: "int16_t"
    case .int32: "int32_t"
    case .int64: "int64_t"
    case .uint8, .bool: "uint8_t"
    case .uint16: "uint16_t"
    case .uint32: "uint32_t"
    case .uint64: "uint64_t"
    default: nil
    }
  }

  /// The unsigned type of an integer's width, in which sums wrap.
  static func unsigned(_ dtype: DType) -> String {
    switch dtype {
    case .int64, .uint64: "uint64_t"
    default: "uint32_t"
    }
  }

  /// A function of libm for the type: `expf` for float.
  static func function(_ name: String, _ dtype: DType) -> String {
    dtype == .float64 ? name : name + "f"
  }

  static func number(_ value: Float) -> String {
    if value.isNaN { return "NAN" }
    if value.isInfinite { return value < 0 ? "-INFINITY" : "INFINITY" }
    return "\(value)f"
  }

  static func number(_ value: Double, _ dtype: DType = .float64) -> String {
    if dtype != .float64 { return number(Float(value)) }
    if value.isNaN { return "(double)NAN" }
    if value.isInfinite { return value < 0 ? "-(double)INFINITY" : "(double)INFINITY" }
    return "\(value)"
  }

  static func number(_ value: Int64) -> String {
    if value == .min { return "(-INT64_C(9223372036854775807) - 1)" }
    return abs(value) > 2_147_483_647 ? "INT64_C(\(value))" : "\(value)"
  }

  /// The element at `i` of a tensor.
  static func element(_ tensor: Tensor, _ i: Int) -> String {
    switch tensor.dtype {
    case .float32: return number(tensor.elements(Float.self)[i])
    case .float64: return number(tensor.elements(Double.self)[i])
    case .int8: return "\(tensor.elements(Int8.self)[i])"
    case .int16: return "\(tensor.elements(Int16.self)[i])"
    case .int32:
      let v = tensor.elements(Int32.self)[i]
      return v == .min ? "(-2147483647 - 1)" : "\(v)"
    case .int64: return number(tensor.elements(Int64.self)[i])
    case .uint8: return "\(tensor.elements(UInt8.self)[i])"
    case .bool: return tensor.elements(Bool.self)[i] ? "1" : "0"
    case .uint16: return "\(tensor.elements(UInt16.self)[i])"
    case .uint32: return "UINT32_C(\(tensor.elements(UInt32.self)[i]))"
    case .uint64: return "UINT64_C(\(tensor.elements(UInt64.self)[i]))"
    default: return "0"
    }
  }

  /// An identifier made of a name.
  static func identifier(_ name: String) -> String {
    var result = ""
    for c in name.unicodeScalars {
      let isPlain = c.isASCII && (c.properties.isAlphabetic || ("0"..."9").contains(c))
      result.unicodeScalars.append(isPlain ? c : "_")
    }
    if let first = result.unicodeScalars.first, ("0"..."9").contains(first) {
      result = "m" + result
    }
    return result.isEmpty ? "model" : result
  }
}
