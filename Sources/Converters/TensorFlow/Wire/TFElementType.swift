import Tensors

/// TensorFlow's numbers of element types (`types.proto`).
enum TFElementType {
  static let resource = 20
  static let variant = 21
  static let string = 7

  /// The dtype of number `code`; references (100 more) count as what they refer to. Nil for types
  /// without one: resources, variants.
  static func dtype(_ code: Int) -> DType? {
    switch code > 100 ? code - 100 : code {
    case 1: .float32
    case 2: .float64
    case 3: .int32
    case 4: .uint8
    case 5: .int16
    case 6: .int8
    case 7: .string
    case 8: .complex64
    case 9: .int64
    case 10: .bool
    case 11: .int8
    case 12: .uint8
    case 13: .int32
    case 14: .bfloat16
    case 15: .int16
    case 16: .uint16
    case 17: .uint16
    case 18: .complex128
    case 19: .float16
    case 22: .uint32
    case 23: .uint64
    default: nil
    }
  }
}
