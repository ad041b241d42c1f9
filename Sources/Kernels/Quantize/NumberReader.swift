import Tensors

/// Reads elements of any numeric dtype, packed ones and narrow floats among them. Every number but
/// a large 64-bit integer is exact in `Double`.
public struct NumberReader: Sendable {
  public let dtype: DType
  private let packed: PackedElements?
  /// Every code of a narrow float, decoded.
  private let codes: [Float]

  /// Nil for strings and complex numbers.
  public init?(_ dtype: DType) {
    if dtype == .string || dtype == .complex64 || dtype == .complex128 { return nil }
    self.dtype = dtype
    packed = PackedElements(dtype)
    codes = NarrowFloat(dtype).map { f in (0..<256).map { f.decode(UInt8($0)) } } ?? []
  }

  /// Element `i` of the tensor at `p`, which need not be aligned: weights lie in mapped files.
  public func double(_ p: UnsafeRawPointer, _ i: Int) -> Double {
    switch dtype {
    case .float32: return Double(p.loadUnaligned(fromByteOffset: i &* 4, as: Float.self))
    case .float64: return p.loadUnaligned(fromByteOffset: i &* 8, as: Double.self)
    case .float16: return Double(p.loadUnaligned(fromByteOffset: i &* 2, as: Float16.self))
    case .bfloat16:
      let bits = p.loadUnaligned(fromByteOffset: i &* 2, as: UInt16.self)
      return Double(BFloat16(bitPattern: bits).float)
    case .int8: return Double(p.load(fromByteOffset: i, as: Int8.self))
    case .uint8, .bool: return Double(p.load(fromByteOffset: i, as: UInt8.self))
    case .int16: return Double(p.loadUnaligned(fromByteOffset: i &* 2, as: Int16.self))
    case .uint16: return Double(p.loadUnaligned(fromByteOffset: i &* 2, as: UInt16.self))
    case .int32: return Double(p.loadUnaligned(fromByteOffset: i &* 4, as: Int32.self))
    case .uint32: return Double(p.loadUnaligned(fromByteOffset: i &* 4, as: UInt32.self))
    case .int64: return Double(p.loadUnaligned(fromByteOffset: i &* 8, as: Int64.self))
    case .uint64: return Double(p.loadUnaligned(fromByteOffset: i &* 8, as: UInt64.self))
    default:
      if !codes.isEmpty {
        let code = packed?.code(p, i) ?? p.load(fromByteOffset: i, as: UInt8.self)
        return Double(codes[Int(code)])
      }
      return packed.map { Double($0.integer(p, i)) } ?? 0
    }
  }
}
