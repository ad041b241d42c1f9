import CKernels
import Tensors

/// A kernel that takes each element from one of two inputs, as a bool says.
public struct WhereKernel: Sendable {
  let function: dl_where_fn
  let elementBytes: Int

  /// Nil for strings and packed types.
  public init?(_ dtype: DType, isa: KernelISA = .best) {
    guard let function = dl_where_kernel(Int32(dtype.byteSize), isa.rawValue) else { return nil }
    self.function = function
    elementBytes = dtype.byteSize
  }

  /// Computes every element of `y`; the plan's inputs are condition, `a`, `b`. `y` may be `a` or
  /// `b` where that one does not broadcast.
  public func run(
    _ plan: BroadcastPlan, _ c: UnsafeRawPointer, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    nonisolated(unsafe) let (c, a, b, y) = (c.assumingMemoryBound(to: UInt8.self), a, b, y)
    pool.run(plan.pieces) { piece in
      plan.forEachRun(piece: piece) { at, i, j, k, n in
        function(
          c + i, a + j * elementBytes, b + k * elementBytes, y + at * elementBytes, n,
          plan.stride(0), plan.stride(1), plan.stride(2))
      }
    }
  }
}
