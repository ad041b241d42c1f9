import Tensors

extension GemmElement {
  /// What products of tensors of `dtype` are computed in: float16 and bfloat16 in float32, and
  /// integers of 32 and 64 bits modulo their range. Nil for other types.
  public init?(_ dtype: DType) {
    switch dtype {
    case .float32, .float16, .bfloat16: self = .float32
    case .float64: self = .float64
    case .int32, .uint32: self = .int32
    case .int64, .uint64: self = .int64
    default: return nil
    }
  }
}

/// Matrix products over tensors of any dtype that `GemmElement` covers.
///
/// Half-precision factors are widened into scratch, and results rounded once when they are done.
public struct MatrixProduct: Sendable {
  public let scratchBytes: Int
  public let label: String
  let batch: BatchedGemmPlan
  /// Nil where elements are computed in as they are.
  let widen: CastKernel?
  let narrow: CastKernel?
  /// Elements of A, B, C and the addend that lie in memory; 0 where packed or absent.
  let counts: (a: Int, b: Int, c: Int, addend: Int)
  let places: (a: Int, b: Int, c: Int, addend: Int)

  /// - `counts`: elements of A, B, C and the addend; 0 for factors that `make` packed.
  /// - `make`: the product for a number of threads.
  ///
  /// Nil where `GemmElement` does not cover `dtype`.
  public init?(
    _ dtype: DType, counts: (a: Int, b: Int, c: Int, addend: Int), aOffsets: [Int] = [0],
    bOffsets: [Int] = [0], threads: Int, make: (GemmElement, Int) -> GemmPlan
  ) {
    guard let element = GemmElement(dtype) else { return nil }
    batch = BatchedGemmPlan(aOffsets: aOffsets, bOffsets: bOffsets, threads: threads) {
      make(element, $0)
    }
    self.counts = counts
    label = batch.gemm.label
    guard dtype == .float16 || dtype == .bfloat16 else {
      (widen, narrow) = (nil, nil)
      places = (0, 0, 0, 0)
      scratchBytes = batch.scratchBytes
      return
    }
    guard let widen = CastKernel(dtype, .float32), let narrow = CastKernel(.float32, dtype) else {
      return nil
    }
    (self.widen, self.narrow) = (widen, narrow)
    var end = GemmPlan.aligned(batch.scratchBytes)
    func place(_ count: Int) -> Int {
      defer { end += GemmPlan.aligned(count * 4) }
      return end
    }
    places = (place(counts.a), place(counts.b), place(counts.c), place(counts.addend))
    scratchBytes = end
  }

  /// A constant factor in packed form, from a tensor's elements of `dtype`: see `PackedMatrix`.
  ///
  /// Errors: `.budget` when the system has no memory, `.dtype` for a type without products.
  public static func pack(
    _ side: PackedMatrix.Side, count: Int, k: Int, _ tensor: Tensor, across: Int, along: Int
  ) throws(EngineError) -> PackedMatrix {
    guard let element = GemmElement(tensor.dtype) else {
      throw EngineError(.dtype, "no matrix products of this type", received: "\(tensor.dtype)")
    }
    var source = tensor
    if tensor.dtype.byteSize < element.byteSize,
      let widen = CastKernel(tensor.dtype, .float32)
    {
      let wide = try Storage(TensorType(.float32, tensor.shape))
      widen.run(count: tensor.count, tensor.storage.bytes, wide.bytes)
      source = Tensor(wide)
    }
    return try PackedMatrix(
      side, count: count, k: k, element: element, from: source.storage.bytes, across: across,
      along: along)
  }

  /// Computes the products. `addend` is nil where there is none.
  public func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    addend: UnsafeRawPointer? = nil, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    guard let widen, let narrow else {
      batch.run(a: a, b: b, c: c, addend: addend, scratch: scratch, pool: pool)
      return
    }
    if counts.a > 0 { widen.run(count: counts.a, a, scratch + places.a, pool) }
    if counts.b > 0 { widen.run(count: counts.b, b, scratch + places.b, pool) }
    if let addend { widen.run(count: counts.addend, addend, scratch + places.addend, pool) }
    batch.run(
      a: scratch + places.a, b: scratch + places.b, c: scratch + places.c,
      addend: addend == nil ? nil : UnsafeRawPointer(scratch + places.addend), scratch: scratch,
      pool: pool)
    narrow.run(count: counts.c, scratch + places.c, c, pool)
  }
}
