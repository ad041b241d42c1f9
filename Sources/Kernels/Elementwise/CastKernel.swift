import CKernels
import Tensors

/// A kernel that converts elements of one type into another, both of at least 8 bits and neither
/// an 8-bit float.
///
/// Floats round to nearest even and overflow to infinity. Integers wrap. Floats become integers by
/// dropping the fraction; out of range and NaN give what x86 gives: the least integer for 32 and
/// 64 bits, the low bits of that for narrower types. To bool: whether it is not 0.
public struct CastKernel: Sendable {
  let function: dl_cast_fn
  let inputBytes: Int
  let outputBytes: Int

  /// Nil where a type is packed, an 8-bit float, complex or string.
  public init?(_ from: DType, _ to: DType, isa: KernelISA = .best) {
    guard
      let function = dl_cast_kernel(Int32(from.rawValue), Int32(to.rawValue), isa.rawValue)
    else { return nil }
    self.function = function
    inputBytes = from.byteSize
    outputBytes = to.byteSize
  }

  /// Converts `count` elements. The memories must not overlap.
  public func run(
    count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let step = BroadcastPlan.pieceElements
    nonisolated(unsafe) let (x, y) = (x, y)
    pool.run((count + step - 1) / step) { piece in
      let at = piece * step
      function(x + at * inputBytes, y + at * outputBytes, min(step, count - at))
    }
  }

  /// Converts `count` elements on the calling thread.
  public func run(count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer) {
    function(x, y, count)
  }
}
