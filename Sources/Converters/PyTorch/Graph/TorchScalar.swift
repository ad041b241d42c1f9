import Tensors

/// Tensors of one element from Python numbers.
enum TorchScalar {
  /// `number` as an element of `dtype`: integers wrap, floats are rounded, to bool means not 0.
  ///
  /// - `shape`: of one element.
  /// - Errors: `.unsupported` for element types that are no numbers.
  static func tensor(
    _ number: TorchNumber, _ dtype: DType, shape: Shape = []
  ) throws(EngineError) -> Tensor {
    func integer<T: FixedWidthInteger & Element>(_: T.Type) throws(EngineError) -> Tensor {
      switch number {
      case .int(let v): return try Tensor(shape: shape, [T(truncatingIfNeeded: v)])
      case .bool(let v): return try Tensor(shape: shape, [v ? 1 : 0] as [T])
      case .float(let v):
        guard let whole = Int(exactly: v.rounded(.towardZero)) else {
          let end: T = v > 0 ? .max : v < 0 ? .min : 0
          return try Tensor(shape: shape, [end])
        }
        return try Tensor(shape: shape, [T(truncatingIfNeeded: whole)])
      }
    }
    let value = number.double
    switch dtype {
    case .float32: return try Tensor(shape: shape, [Float(value)])
    case .float64: return try Tensor(shape: shape, [value])
    case .float16: return try Tensor(shape: shape, [Float16(value)])
    case .bfloat16: return try Tensor(shape: shape, [BFloat16(Float(value))])
    case .bool: return try Tensor(shape: shape, [value != 0])
    case .int64: return try integer(Int64.self)
    case .int32: return try integer(Int32.self)
    case .int16: return try integer(Int16.self)
    case .int8: return try integer(Int8.self)
    case .uint8: return try integer(UInt8.self)
    case .uint16: return try integer(UInt16.self)
    case .uint32: return try integer(UInt32.self)
    case .uint64: return try integer(UInt64.self)
    default:
      throw EngineError(.unsupported, "numbers cannot become elements of \(dtype)")
    }
  }
}
