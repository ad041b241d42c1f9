import Tensors

/// Integer tensors of any width as 64-bit integers, and back.
enum Integers {
  /// The elements of a tensor of integers or bools, packed ones taken apart.
  ///
  /// Errors: `.dtype` for any other type, and for uint64.
  static func widened(_ t: Tensor) throws(EngineError) -> [Int64] {
    switch t.dtype {
    case .int64: return Array(t.elements(Int64.self))
    case .int32: return t.elements(Int32.self).map { Int64($0) }
    case .int16: return t.elements(Int16.self).map { Int64($0) }
    case .int8: return t.elements(Int8.self).map { Int64($0) }
    case .uint32: return t.elements(UInt32.self).map { Int64($0) }
    case .uint16: return t.elements(UInt16.self).map { Int64($0) }
    case .uint8: return t.elements(UInt8.self).map { Int64($0) }
    case .bool: return t.rawBytes.map { $0 == 0 ? 0 : 1 }
    case .int4, .uint4, .int2, .uint2: return unpacked(t)
    default:
      throw EngineError(
        .dtype, "elements of \(t.dtype) have no form as text",
        hint: "cast the tensor, or write .npy or .safetensors")
    }
  }

  private static func unpacked(_ t: Tensor) -> [Int64] {
    let bits = t.dtype.bits
    let perByte = 8 / bits
    let bytes = t.rawBytes
    let signed = t.dtype.isSignedInteger
    return (0..<t.count).map { i in
      let value = Int64(bytes[i / perByte] >> UInt8(bits * (i % perByte))) & ((1 << bits) - 1)
      return signed && value >= 1 << (bits - 1) ? value - 1 << bits : value
    }
  }

  /// A tensor of `type` from 64-bit integers.
  ///
  /// Errors: `.value` for one that does not fit, `.dtype` when `type` is not of integers or bools,
  /// `.shape` when the counts differ.
  static func narrowed(_ values: [Int64], to type: TensorType) throws(EngineError) -> Tensor {
    guard values.count == type.count else {
      throw EngineError(
        .shape, "wrong number of elements for shape \(type.shape)", expected: "\(type.count)",
        received: "\(values.count)")
    }
    func make<T: FixedWidthInteger & Element>(_: T.Type) throws(EngineError) -> Tensor {
      var list: [T] = []
      list.reserveCapacity(values.count)
      for value in values {
        guard let narrow = T(exactly: value) else { throw outOfRange(value, type.dtype) }
        list.append(narrow)
      }
      return try Tensor(shape: type.shape, list)
    }
    switch type.dtype {
    case .int64: return try Tensor(shape: type.shape, values)
    case .int32: return try make(Int32.self)
    case .int16: return try make(Int16.self)
    case .int8: return try make(Int8.self)
    case .uint64: return try make(UInt64.self)
    case .uint32: return try make(UInt32.self)
    case .uint16: return try make(UInt16.self)
    case .uint8: return try make(UInt8.self)
    case .bool:
      for value in values where value != 0 && value != 1 { throw outOfRange(value, .bool) }
      return try Tensor(shape: type.shape, values.map { $0 == 1 })
    case .int4, .uint4, .int2, .uint2: return try packed(values, type)
    default: throw EngineError(.dtype, "integers cannot become elements of \(type.dtype)")
    }
  }

  private static func packed(_ values: [Int64], _ type: TensorType) throws(EngineError) -> Tensor {
    let bits = type.dtype.bits
    let perByte = 8 / bits
    let range: ClosedRange<Int64> =
      type.dtype.isSignedInteger
      ? -(1 << (bits - 1))...((1 << (bits - 1)) - 1) : 0...((1 << bits) - 1)
    return try Tensor(type) { (bytes) throws(EngineError) in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      for (i, value) in values.enumerated() {
        guard range.contains(value) else { throw outOfRange(value, type.dtype) }
        let field = UInt8(truncatingIfNeeded: value & ((1 << bits) - 1))
        bytes[i / perByte] |= field << UInt8(bits * (i % perByte))
      }
    }
  }

  private static func outOfRange(_ value: Int64, _ dtype: DType) -> EngineError {
    EngineError(.value, "a number is out of the range of \(dtype)", received: "\(value)")
  }
}
