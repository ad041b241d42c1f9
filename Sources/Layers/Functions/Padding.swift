import Tensors
import Training

/// What stands around the input of a convolution or a pooling window.
public enum Padding: String, Sendable {
  /// Nothing: windows lie inside.
  case valid
  /// Zeros, as many as keep the size, divided by the stride and rounded up; the odd one behind.
  case same
  /// Zeros before the first element only: results depend on nothing later. Conv1D.
  case causal

  /// The size of the output along an axis.
  func outputSize(_ n: Int?, kernel: Int, stride: Int, dilation: Int = 1) -> Int? {
    guard let n else { return nil }
    switch self {
    case .valid: return max(0, (n - (kernel - 1) * dilation - 1 + stride) / stride)
    case .same, .causal: return (n + stride - 1) / stride
    }
  }
}

/// Errors: `.attribute` unless there is one number for each of `axes` axes, from `least` on.
func checkedSizes(
  _ sizes: [Int], _ axes: Int, least: Int = 1, _ what: String
) throws(EngineError) -> [Int] {
  let all = sizes.count == 1 ? [Int](repeating: sizes[0], count: axes) : sizes
  guard all.count == axes, all.allSatisfy({ $0 >= least }) else {
    throw EngineError(
      .attribute, "\(what) of a layer with \(axes) spatial axes",
      expected: "1 or \(axes) numbers from \(least)", received: "\(sizes)")
  }
  return all
}
