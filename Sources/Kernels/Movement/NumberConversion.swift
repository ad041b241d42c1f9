import Tensors

/// Reads elements of any dtype of whole bytes but 8-bit floats as floating point and writes them
/// back. A complex element counts as two.
enum NumberConversion {
  static func load<C: BinaryFloatingPoint>(
    _ dtype: DType, _ from: UnsafeRawPointer, _ to: UnsafeMutablePointer<C>, _ count: Int
  ) {
    if let to = to as? UnsafeMutablePointer<Float> {
      if dtype == .float16 || dtype == .bfloat16 {
        HalfFloats.widen(
          from, to: to, count: count, isBrain: dtype == .bfloat16, pool: .single)
        return
      }
      if dtype == .uint8 || dtype == .int8 {
        FloatCodes.dequantize(
          count, from.assumingMemoryBound(to: UInt8.self), ByteScale(scale: 1, zero: 0),
          isSigned: dtype == .int8, to)
        return
      }
    }
    @inline(__always) func each<T>(_: T.Type, _ f: (T) -> C) {
      let x = from.assumingMemoryBound(to: T.self)
      for i in 0..<count { to[i] = f(x[i]) }
    }
    switch dtype {
    case .float32, .complex64: each(Float.self) { C($0) }
    case .float64, .complex128: each(Double.self) { C($0) }
    case .bool: each(UInt8.self) { C($0) }
    case .float16: each(Float16.self) { C($0) }
    case .bfloat16: each(BFloat16.self) { C($0.float) }
    case .int8: each(Int8.self) { C($0) }
    case .int16: each(Int16.self) { C($0) }
    case .int32: each(Int32.self) { C($0) }
    case .int64: each(Int64.self) { C($0) }
    case .uint8: each(UInt8.self) { C($0) }
    case .uint16: each(UInt16.self) { C($0) }
    case .uint32: each(UInt32.self) { C($0) }
    case .uint64: each(UInt64.self) { C($0) }
    default: preconditionFailure("no numbers in \(dtype)")
    }
  }

  /// Floats round once; integers round to nearest, ties to even, and saturate; NaN becomes 0.
  static func store<C: BinaryFloatingPoint>(
    _ dtype: DType, _ from: UnsafePointer<C>, _ to: UnsafeMutableRawPointer, _ count: Int
  ) {
    if let from = from as? UnsafePointer<Float> {
      if dtype == .float16 || dtype == .bfloat16 {
        HalfFloats.narrow(
          from, to: to, count: count, isBrain: dtype == .bfloat16, pool: .single)
        return
      }
      if dtype == .uint8 || dtype == .int8 {
        FloatCodes.quantize(
          count, from, ByteScale(scale: 1, zero: 0), isSigned: dtype == .int8,
          to.assumingMemoryBound(to: UInt8.self))
        return
      }
    }
    if let from = from as? UnsafePointer<Double>, dtype == .int32 {
      let y = to.assumingMemoryBound(to: Int32.self)
      for i in 0..<count {
        // A sum of this size ends with the nearest integer.
        let v = from[i] == from[i] ? min(max(from[i], -0x1p31), 0x1p31 - 1) : 0
        y[i] = Int32(truncatingIfNeeded: Int64(bitPattern: (v + 0x1.8p52).bitPattern))
      }
      return
    }
    @inline(__always) func each<T>(_: T.Type, _ f: (C) -> T) {
      let y = to.assumingMemoryBound(to: T.self)
      for i in 0..<count { y[i] = f(from[i]) }
    }
    func integers<T: FixedWidthInteger>(_: T.Type) {
      each(T.self) { v in
        let rounded = v.rounded(.toNearestOrEven)
        if let exact = T(exactly: rounded) { return exact }
        return v.isNaN ? 0 : v < 0 ? .min : .max
      }
    }
    switch dtype {
    case .float32, .complex64: each(Float.self) { Float($0) }
    case .float64, .complex128: each(Double.self) { Double($0) }
    case .bool: each(UInt8.self) { $0.rounded(.toNearestOrEven) != 0 ? 1 : 0 }
    case .float16: each(Float16.self) { Float16($0) }
    case .bfloat16: each(BFloat16.self) { BFloat16(Float($0)) }
    case .int8: integers(Int8.self)
    case .int16: integers(Int16.self)
    case .int32: integers(Int32.self)
    case .int64: integers(Int64.self)
    case .uint8: integers(UInt8.self)
    case .uint16: integers(UInt16.self)
    case .uint32: integers(UInt32.self)
    case .uint64: integers(UInt64.self)
    default: preconditionFailure("no numbers in \(dtype)")
    }
  }
}
