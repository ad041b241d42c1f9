import Tensors

/// Writes element `i`: floats are rounded to nearest, integers drop the fraction and stop at their
/// limits, NaN becomes 0; bool is whether the value is not 0.
@inline(__always)
func storeNumber(_ value: Double, _ memory: UnsafeMutableRawPointer, _ i: Int, _ dtype: DType) {
  switch dtype {
  case .float32: memory.assumingMemoryBound(to: Float.self)[i] = Float(value)
  case .float64: memory.assumingMemoryBound(to: Double.self)[i] = value
  case .float16: memory.assumingMemoryBound(to: Float16.self)[i] = Float16(value)
  case .bfloat16:
    memory.assumingMemoryBound(to: BFloat16.self)[i] = BFloat16(roundedToOdd(value))
  case .int8: memory.assumingMemoryBound(to: Int8.self)[i] = clamped(value)
  case .int16: memory.assumingMemoryBound(to: Int16.self)[i] = clamped(value)
  case .int32: memory.assumingMemoryBound(to: Int32.self)[i] = clamped(value)
  case .int64: memory.assumingMemoryBound(to: Int64.self)[i] = clamped(value)
  case .uint8: memory.assumingMemoryBound(to: UInt8.self)[i] = clamped(value)
  case .bool: memory.assumingMemoryBound(to: Bool.self)[i] = value != 0
  case .uint16: memory.assumingMemoryBound(to: UInt16.self)[i] = clamped(value)
  case .uint32: memory.assumingMemoryBound(to: UInt32.self)[i] = clamped(value)
  case .uint64: memory.assumingMemoryBound(to: UInt64.self)[i] = clamped(value)
  default: break
  }
}

@inline(__always)
private func clamped<T: FixedWidthInteger>(_ value: Double) -> T {
  if let exact = T(exactly: value.rounded(.towardZero)) { return exact }
  return value.isNaN ? 0 : value < 0 ? .min : .max
}
