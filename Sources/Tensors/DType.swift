/// The element types of the portable format. Raw values are ONNX's `TensorProto.DataType`.
///
/// Source: `onnx.proto`, IR version 14.
@frozen public enum DType: UInt8, Sendable, Hashable, CaseIterable {
  case float32 = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case string = 8
  case bool = 9
  case float16 = 10
  case float64 = 11
  case uint32 = 12
  case uint64 = 13
  case complex64 = 14
  case complex128 = 15
  case bfloat16 = 16
  case float8e4m3fn = 17
  case float8e4m3fnuz = 18
  case float8e5m2 = 19
  case float8e5m2fnuz = 20
  case uint4 = 21
  case int4 = 22
  case float4e2m1 = 23
  case float8e8m0 = 24
  case uint2 = 25
  case int2 = 26
  case float6e2m3 = 27
  case float6e3m2 = 28

  /// Bits an element takes in memory. Elements under 8 bits are packed, the first in the low bits.
  /// Zero for strings, whose elements do not lie in the tensor's bytes.
  @inlinable public var bits: Int {
    switch self {
    case .string: 0
    case .complex128: 128
    case .float64, .int64, .uint64, .complex64: 64
    case .float32, .int32, .uint32: 32
    case .float16, .bfloat16, .int16, .uint16: 16
    case .float6e2m3, .float6e3m2: 6
    case .uint4, .int4, .float4e2m1: 4
    case .uint2, .int2: 2
    case .int8, .uint8, .bool, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz,
      .float8e8m0:
      8
    }
  }

  /// Bytes of one element; 0 where an element is smaller than a byte, and for strings.
  @inlinable public var byteSize: Int { bits / 8 }

  /// Bytes of `count` elements, packed ones rounded up. Traps on overflow: for checked sizes.
  @inlinable public func byteCount(of count: Int) -> Int {
    bits >= 8 ? count * (bits / 8) : (count * bits + 7) / 8
  }

  /// Whether elements are packed several to a byte.
  @inlinable public var isPacked: Bool { bits > 0 && bits < 8 }

  /// Floating point of any width, the 8-, 6- and 4-bit kinds included.
  @inlinable public var isFloat: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz, .float4e2m1, .float8e8m0, .float6e2m3, .float6e3m2:
      true
    default: false
    }
  }

  /// Signed or unsigned integer of any width; not bool.
  @inlinable public var isInteger: Bool { isSignedInteger || isUnsignedInteger }

  @inlinable public var isSignedInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .int4, .int2: true
    default: false
    }
  }

  @inlinable public var isUnsignedInteger: Bool {
    switch self {
    case .uint8, .uint16, .uint32, .uint64, .uint4, .uint2: true
    default: false
    }
  }

  /// The name the format uses in type strings, as in `tensor(float)`.
  public var onnxName: String {
    switch self {
    case .float32: "float"
    case .float64: "double"
    default: "\(self)"
    }
  }
}

extension DType: CustomStringConvertible {
  /// The case's name, such as `float32`: printing by reflection takes a third of a millisecond the
  /// first time, as long as loading a small model.
  public var description: String {
    switch self {
    case .float32: "float32"
    case .uint8: "uint8"
    case .int8: "int8"
    case .uint16: "uint16"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .string: "string"
    case .bool: "bool"
    case .float16: "float16"
    case .float64: "float64"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .complex64: "complex64"
    case .complex128: "complex128"
    case .bfloat16: "bfloat16"
    case .float8e4m3fn: "float8e4m3fn"
    case .float8e4m3fnuz: "float8e4m3fnuz"
    case .float8e5m2: "float8e5m2"
    case .float8e5m2fnuz: "float8e5m2fnuz"
    case .uint4: "uint4"
    case .int4: "int4"
    case .float4e2m1: "float4e2m1"
    case .float8e8m0: "float8e8m0"
    case .uint2: "uint2"
    case .int2: "int2"
    case .float6e2m3: "float6e2m3"
    case .float6e3m2: "float6e3m2"
    }
  }
}
