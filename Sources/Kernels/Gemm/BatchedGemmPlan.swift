import Tensors

/// Many matrix products of one kind, each at offsets of its own into A, B and C.
public struct BatchedGemmPlan: Sendable {
  public let gemm: GemmPlan
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int
  /// In bytes, one for each product.
  let aOffsets: [Int]
  let bOffsets: [Int]
  /// Bytes between results.
  let step: Int
  /// Groups of whole products that run side by side; 1: one product after the other, each on all
  /// threads.
  let pieces: Int
  /// Threads that take part.
  let slots: Int

  /// - `make`: the product for a number of threads.
  /// - `aOffsets`, `bOffsets`: elements, one for each product. Results lie one after the other.
  public init(aOffsets: [Int], bOffsets: [Int], threads: Int, make: (Int) -> GemmPlan) {
    precondition(aOffsets.count == bOffsets.count, "offsets of different numbers of products")
    let many = threads > 1 && aOffsets.count >= threads
    gemm = make(many ? 1 : threads)
    let es = gemm.element.byteSize
    self.aOffsets = aOffsets.map { $0 * es }
    self.bOffsets = bOffsets.map { $0 * es }
    step = gemm.m * gemm.n * es
    let work = Double(gemm.m) * Double(gemm.n) * Double(gemm.k) * Double(aOffsets.count)
    pieces = many && work >= 131_072 ? min(aOffsets.count, threads * 4) : 1
    slots = min(pieces, threads)
    scratchBytes = GemmPlan.bytes(slots, of: GemmPlan.aligned(gemm.scratchBytes))
  }

  /// Computes all products. `addend` is the same for all.
  public func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    addend: UnsafeRawPointer? = nil, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let count = aOffsets.count
    if pieces == 1 {
      for i in 0..<count {
        gemm.run(
          a: a + aOffsets[i], b: b + bOffsets[i], c: c + i * step, addend: addend,
          scratch: scratch, pool: pool)
      }
      return
    }
    let size = GemmPlan.step(GemmPlan.aligned(gemm.scratchBytes))
    pool.run(pieces, slots: slots) { piece, slot in
      for i in (piece * count / pieces)..<((piece + 1) * count / pieces) {
        gemm.run(
          a: a + aOffsets[i], b: b + bOffsets[i], c: c + i * step, addend: addend,
          scratch: scratch + slot * size, pool: .single)
      }
    }
  }
}
