import CKernels
import Tensors

/// Elementwise functions of one input. Raw values are those of the C table.
public enum UnaryOp: Int32, Sendable, CaseIterable {
  case neg, abs, sign, sqrt, reciprocal, exp, log, erf, floor, ceil
  /// To the nearest integer, ties to even.
  case round
  case sin, cos, tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh
  case relu
  /// `x < 0 ? p x : x`.
  case leakyRelu
  /// `x < 0 ? p (e^x - 1) : x`.
  case elu
  /// `q (x > 0 ? x : p (e^x - 1))`.
  case selu
  /// `x > 0 ? x : p (e^(x/p) - 1)`.
  case celu
  case sigmoid
  /// `min(1, max(0, p x + q))`.
  case hardSigmoid
  case hardSwish, tanh, softplus, softsign
  /// `x > p ? x : 0`.
  case thresholdedRelu
  case gelu, geluTanh, mish
  /// `x sigmoid(p x)`.
  case swish
  /// The derivative of `gelu`.
  case geluSlope
  /// `x / p`.
  case divideBy
  case bitNot, logicalNot, isNaN
  /// -inf counts where p is not 0, +inf where q is not 0.
  case isInf

  /// Whether results are bools, one byte each.
  public var isPredicate: Bool { self == .isNaN || self == .isInf || self == .logicalNot }
}

/// A kernel for one unary function on one element type, its parameters bound.
///
/// Largest errors in float32, in units in the last place, over every 61st bit pattern: exp, log 1.1;
/// erf 1.2; tanh 1.4; sigmoid 2.7; in float64 exp 1, tanh and sigmoid 2. Other functions of float64
/// are the C library's.
public struct UnaryKernel: Sendable {
  let function: dl_unary_fn
  let inputBytes: Int
  let outputBytes: Int
  let parameters: InlineArray<2, Double>

  /// Nil where the function has no kernel for `dtype`.
  public init?(
    _ op: UnaryOp, _ dtype: DType, _ p: Double = 0, _ q: Double = 0, isa: KernelISA = .best
  ) {
    guard let function = dl_unary_kernel(op.rawValue, Int32(dtype.rawValue), isa.rawValue) else {
      return nil
    }
    self.function = function
    inputBytes = dtype.byteSize
    outputBytes = op.isPredicate ? 1 : dtype.byteSize
    parameters = [p, q]
  }

  /// The same on the calling thread.
  public func run(count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer) {
    withUnsafeBytes(of: parameters) { p in
      function(x, y, count, p.baseAddress?.assumingMemoryBound(to: Double.self))
    }
  }

  /// Computes `count` elements of `y`, which may be `x` where the elements are as wide.
  public func run(
    count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let step = BroadcastPlan.pieceElements
    nonisolated(unsafe) let (x, y) = (x, y)
    pool.run((count + step - 1) / step) { piece in
      let at = piece * step
      withUnsafeBytes(of: parameters) { p in
        function(
          x + at * inputBytes, y + at * outputBytes, Swift.min(step, count - at),
          p.baseAddress?.assumingMemoryBound(to: Double.self))
      }
    }
  }
}
