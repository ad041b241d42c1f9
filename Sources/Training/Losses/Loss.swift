import Operators
import Tensors

/// How the losses of a batch become one number.
public enum LossReduction: Sendable { case mean, sum, none }

/// Functions that say how far predictions are from targets. Predictions come first.
///
/// Each gives the loss of every element (of every sample where it is about samples), reduced by
/// `reduction`. Errors carry the caller's line: `.shape` where predictions and targets differ.
public enum Loss {}

extension Tensor {
  func reduced(_ reduction: LossReduction) throws(EngineError) -> Tensor {
    switch reduction {
    case .mean: try mean()
    case .sum: try sum()
    case .none: self
    }
  }
}

/// Runs a loss after comparing the shapes, which must not broadcast by accident.
func elementwiseLoss(
  _ name: String, _ p: Tensor, _ t: Tensor, _ reduction: LossReduction, _ file: StaticString,
  _ line: UInt, _ loss: () throws(EngineError) -> Tensor
) throws(EngineError) -> Tensor {
  do throws(EngineError) {
    guard p.shape == t.shape else {
      throw EngineError(
        .shape, "predictions and targets differ in shape", expected: "\(p.shape)",
        received: "\(t.shape)", hint: "reshape one; losses do not broadcast")
    }
    guard p.dtype == t.dtype else {
      throw EngineError(
        .dtype, "predictions and targets differ in element type", expected: "\(p.dtype)",
        received: "\(t.dtype)", hint: "cast the targets")
    }
    return try loss().reduced(reduction)
  } catch { throw located(error, name, [p, t], file, line) }
}
