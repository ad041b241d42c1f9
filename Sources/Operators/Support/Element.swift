import Graphs
import Tensors

/// One element of `dtype` that holds `value`, rounded to nearest; integers and bool truncate.
///
/// Errors: `.dtype` for a value other than 0 of a dtype that has no such number.
func element(_ value: Float, _ dtype: DType) throws(EngineError) -> Tensor {
  if value == 0 { return try zero(dtype) }
  switch dtype {
  case .float32: return try Tensor([value])
  case .float64: return try Tensor([Double(value)])
  case .float16: return try Tensor([Float16(value)])
  case .bfloat16: return try Tensor([BFloat16(value)])
  case .int8: return try Tensor([saturated(value, Int8.self)])
  case .int16: return try Tensor([saturated(value, Int16.self)])
  case .int32: return try Tensor([saturated(value, Int32.self)])
  case .int64: return try Tensor([saturated(value, Int64.self)])
  case .uint8: return try Tensor([saturated(value, UInt8.self)])
  case .uint16: return try Tensor([saturated(value, UInt16.self)])
  case .uint32: return try Tensor([saturated(value, UInt32.self)])
  case .uint64: return try Tensor([saturated(value, UInt64.self)])
  case .bool: return try Tensor([true])
  case .complex64: return try complex([value, 0], dtype)
  case .complex128: return try complex([Double(value), 0], dtype)
  case .string:
    throw EngineError(.dtype, "no element of value \(value)", received: "\(dtype)")
  default: return try Eager().apply(Cast(to: dtype), Tensor([value]))
  }
}

private func complex<T: Element>(_ parts: [T], _ dtype: DType) throws(EngineError) -> Tensor {
  try Tensor(TensorType(dtype, [1])) { (bytes) throws(EngineError) in
    parts.withUnsafeBytes { bytes.copyMemory(from: $0) }
  }
}

private func saturated<T: FixedWidthInteger>(_ value: Float, _: T.Type) -> T {
  if value.isNaN { return 0 }
  if let exact = T(exactly: value.rounded(.towardZero)) { return exact }
  return value < 0 ? .min : .max
}

/// One element of value zero; a string that is empty.
///
/// Errors: `.budget` when there is no memory.
func zero(_ dtype: DType) throws(EngineError) -> Tensor {
  if dtype == .string { return try Tensor(shape: [1], strings: [""]) }
  return try Tensor(TensorType(dtype, [1])) { (bytes) throws(EngineError) in
    for i in bytes.indices { bytes[i] = 0 }
  }
}
