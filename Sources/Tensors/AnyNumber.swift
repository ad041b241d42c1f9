/// Element `i` of `memory` as a double. For dtypes of whole bytes that are numbers or bool; 0 for
/// any other.
@inlinable @inline(__always)
public func loadNumber(_ memory: UnsafeRawPointer, _ i: Int, _ dtype: DType) -> Double {
  switch dtype {
  case .float32: Double(memory.assumingMemoryBound(to: Float.self)[i])
  case .float64: memory.assumingMemoryBound(to: Double.self)[i]
  case .float16: Double(memory.assumingMemoryBound(to: Float16.self)[i])
  case .bfloat16: Double(memory.assumingMemoryBound(to: BFloat16.self)[i].float)
  case .int8: Double(memory.assumingMemoryBound(to: Int8.self)[i])
  case .int16: Double(memory.assumingMemoryBound(to: Int16.self)[i])
  case .int32: Double(memory.assumingMemoryBound(to: Int32.self)[i])
  case .int64: Double(memory.assumingMemoryBound(to: Int64.self)[i])
  case .uint8, .bool: Double(memory.assumingMemoryBound(to: UInt8.self)[i])
  case .uint16: Double(memory.assumingMemoryBound(to: UInt16.self)[i])
  case .uint32: Double(memory.assumingMemoryBound(to: UInt32.self)[i])
  case .uint64: Double(memory.assumingMemoryBound(to: UInt64.self)[i])
  default: 0
  }
}

extension Tensor {
  /// Element `i` as a double; nil beyond the last, and for dtypes that `loadNumber` does not know.
  public func asDouble(_ i: Int) -> Double? {
    guard i >= 0, i < count, dtype.isNumberOfBytes else { return nil }
    return withUnsafeBytes { bytes in bytes.baseAddress.map { loadNumber($0, i, dtype) } }
  }
}

extension DType {
  /// Whether elements are numbers, or bool, of whole bytes.
  public var isNumberOfBytes: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16, .int8, .int16, .int32, .int64, .uint8, .bool,
      .uint16, .uint32, .uint64:
      true
    default: false
    }
  }
}
