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

/// Matrix products over tensors of any dtype that `GemmElement` covers, halves among them.
public struct MatrixProduct: Sendable {
  public let label: String
  let batch: BatchedGemmPlan
  let stage: HalfStage
  let packsA: Bool
  let packsB: Bool

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
    label = batch.gemm.label
    packsA = batch.gemm.packedA != nil
    packsB = batch.gemm.packedB != nil
    stage = HalfStage(
      dtype, inputs: [counts.a, counts.b, counts.addend], output: counts.c,
      scratchBytes: batch.scratchBytes)
  }

  public var scratchBytes: Int { stage.scratchBytes }

  /// A constant factor in packed form, from a tensor's elements: see `PackedMatrix`.
  ///
  /// Errors: `.budget` when the system has no memory, `.dtype` for a type without products.
  public static func pack(
    _ side: PackedMatrix.Side, count: Int, k: Int, _ tensor: Tensor, across: Int, along: Int,
    space: PackedSpace = .fresh
  ) throws(EngineError) -> PackedMatrix {
    guard let element = GemmElement(tensor.dtype) else {
      throw EngineError(.dtype, "no matrix products of this type", received: "\(tensor.dtype)")
    }
    let source = space.isFilled ? tensor : try HalfStage.widened(tensor)
    defer { withExtendedLifetime(source) {} }
    return try PackedMatrix(
      side, count: count, k: k, element: element, from: source.storage.bytes, across: across,
      along: along, space: space)
  }

  /// Computes the products. `addend` is nil where there is none.
  public func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    addend: UnsafeRawPointer? = nil, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    batch.run(
      a: packsA ? a : stage.input(0, a, scratch, pool),
      b: packsB ? b : stage.input(1, b, scratch, pool), c: stage.output(c, scratch),
      addend: addend.map { stage.input(2, $0, scratch, pool) }, scratch: scratch, pool: pool)
    stage.finish(c, scratch, pool)
  }
}
