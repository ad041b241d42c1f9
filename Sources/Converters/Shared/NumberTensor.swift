import Tensors

/// Tensors of any number type from Swift numbers.
enum NumberTensor {
  /// Errors: `.unsupported` for element types that are no numbers; `.shape`.
  static func tensor(_ values: [Double], shape: Shape, _ dtype: DType) throws(EngineError) -> Tensor
  {
    func ints<T: FixedWidthInteger & Element>(_: T.Type) throws(EngineError) -> Tensor {
      try Tensor(shape: shape, values.map { $0.isNaN ? 0 : T(clamping: Int(clamped: $0)) })
    }
    switch dtype {
    case .float32: return try Tensor(shape: shape, values.map { Float($0) })
    case .float64: return try Tensor(shape: shape, values)
    case .float16: return try Tensor(shape: shape, values.map { Float16($0) })
    case .bfloat16:
      return try Tensor(TensorType(.bfloat16, shape)) { (bytes) throws(EngineError) in
        let target = bytes.bindMemory(to: UInt16.self)
        for (i, v) in values.enumerated() where i < target.count {
          target[i] = UInt16(truncatingIfNeeded: Float(v).bitPattern >> 16)
        }
      }
    case .int64: return try ints(Int64.self)
    case .int32: return try ints(Int32.self)
    case .int16: return try ints(Int16.self)
    case .int8: return try ints(Int8.self)
    case .uint64: return try ints(UInt64.self)
    case .uint32: return try ints(UInt32.self)
    case .uint16: return try ints(UInt16.self)
    case .uint8: return try ints(UInt8.self)
    case .bool: return try Tensor(shape: shape, values.map { $0 != 0 })
    default:
      throw EngineError(.unsupported, "numbers of \(dtype) are not made")
    }
  }

  /// The elements as float64.
  ///
  /// Errors: `.unsupported` for element types that are no numbers.
  static func doubles(_ t: Tensor) throws(EngineError) -> [Double] {
    switch t.dtype {
    case .float32: return t.elements(Float.self).map { Double($0) }
    case .float64: return Array(t.elements(Double.self))
    case .float16: return t.elements(Float16.self).map { Double($0) }
    case .int64: return t.elements(Int64.self).map { Double($0) }
    case .int32: return t.elements(Int32.self).map { Double($0) }
    case .int16: return t.elements(Int16.self).map { Double($0) }
    case .int8: return t.elements(Int8.self).map { Double($0) }
    case .uint64: return t.elements(UInt64.self).map { Double($0) }
    case .uint32: return t.elements(UInt32.self).map { Double($0) }
    case .uint16: return t.elements(UInt16.self).map { Double($0) }
    case .uint8: return t.elements(UInt8.self).map { Double($0) }
    case .bool: return t.elements(Bool.self).map { $0 ? 1 : 0 }
    default: throw EngineError(.unsupported, "elements of \(t.dtype) are not read as numbers")
    }
  }
}

extension Int {
  /// The nearest integer towards zero, at most as far as the range goes.
  init(clamped value: Double) {
    if value.isNaN {
      self = 0
    } else if value >= 9.2e18 {
      self = .max
    } else if value <= -9.2e18 {
      self = .min
    } else {
      self = Int(value)
    }
  }
}
