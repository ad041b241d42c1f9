import CKernels
import Tensors

/// Elementwise operations of two inputs. Raw values are those of the C table.
public enum BinaryOp: Int32, Sendable, CaseIterable {
  case add, sub, mul, div, min, max, pow
  /// Remainder with the dividend's sign, and with the divisor's.
  case fmod, mod
  /// `a < 0 ? a * b : a`.
  case prelu
  case equal, greater, greaterOrEqual, less, lessOrEqual
  case logicalAnd, logicalOr, logicalXor
  case bitAnd, bitOr, bitXor, shiftLeft, shiftRight

  /// Whether results are bools, one byte each.
  public var isPredicate: Bool {
    switch self {
    case .equal, .greater, .greaterOrEqual, .less, .lessOrEqual, .logicalAnd, .logicalOr,
      .logicalXor:
      true
    default: false
    }
  }
}

/// A kernel for one binary operation on one element type.
///
/// Integers wrap; an integer divided by zero gives 0, and the remainder of that is 0. float16 and
/// bfloat16 are computed in float32 and rounded once.
public struct BinaryKernel: Sendable {
  let function: dl_binary_fn
  let inputBytes: Int
  let outputBytes: Int

  /// Nil where the operation has no kernel for `dtype`.
  public init?(_ op: BinaryOp, _ dtype: DType, isa: KernelISA = .best) {
    guard let function = dl_binary_kernel(op.rawValue, Int32(dtype.rawValue), isa.rawValue) else {
      return nil
    }
    self.function = function
    inputBytes = dtype.byteSize
    outputBytes = op.isPredicate ? 1 : dtype.byteSize
  }

  /// Computes every element of `y`. The memory must hold what the plan's shapes say; `y` may be an
  /// input that does not broadcast and whose elements are as wide.
  public func run(
    _ plan: BroadcastPlan, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let (sa, sb) = (plan.stride(0), plan.stride(1))
    nonisolated(unsafe) let (a, b, y) = (a, b, y)
    if let runs = plan.repeatedRuns {
      pool.run(plan.pieces) { piece in
        runs.forEachTile(plan, piece: piece, a, b, elementBytes: inputBytes) { at, a, b, n in
          function(a, b, y + at * outputBytes, n, 1, 1)
        }
      }
      return
    }
    pool.run(plan.pieces) { piece in
      plan.forEachRun(piece: piece) { at, i, j, _, n in
        function(
          a + i * inputBytes, b + j * inputBytes, y + at * outputBytes, n, sa, sb)
      }
    }
  }

  /// `y[i] = op(a[i], b)` for one element `b`, on the calling thread.
  public func run(
    count: Int, _ a: UnsafeRawPointer, scalar b: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) { function(a, b, y, count, 1, 0) }

  /// Element by element, nothing broadcast, on the calling thread.
  public func run(
    count: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) { function(a, b, y, count, 1, 1) }
}
