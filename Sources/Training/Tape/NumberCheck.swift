import Graphs
import Operators
import Tensors

/// The value of a loss and its gradients, as `valueAndGradient(of:)` gives them, where all are
/// finite numbers; an error that names the first operator that made a NaN or an infinity where not.
///
/// The check costs a sum of squares of each gradient. Only when it fails the step runs once more,
/// from the same random numbers and states, and every operator's results are looked at.
///
/// - Errors: `.value` with the layer's path, the operator, whether forward or backward, and the
///   ranges of its inputs; else those of `valueAndGradient(of:)`.
public func checkedValueAndGradient<M: Module>(
  of model: M, file: StaticString = #fileID, line: UInt = #line,
  _ loss: (M) throws -> Tensor
) throws -> (value: Tensor, gradients: Gradients) {
  let context = TapeContext.current
  let random = context.random
  let states = model.states.map(\.value)
  let result = try valueAndGradient(of: model, file: file, line: line, loss)
  let norm = try result.gradients.globalNorm()
  guard try !(result.value.detached().scalar().isFinite && norm.isFinite) else { return result }
  let after = (context.random, model.states.map(\.value))
  defer {
    context.random = after.0
    for (s, v) in zip(model.states, after.1) { s.value = v }
  }
  context.random = random
  for (s, v) in zip(model.states, states) { s.value = v }
  context.inspect = reportNonFinite
  defer { context.inspect = nil }
  for p in model.parameters where try !isFinite(p.value.detached()) {
    throw located(
      EngineError(
        .value, "the parameter '\(p.name)' holds a NaN or an infinity before the step",
        received: try range(p.value)), file, line)
  }
  _ = try valueAndGradient(of: model, file: file, line: line, loss)
  // Every result is finite: it is the loss's size that made the norm overflow.
  throw located(
    EngineError(
      .value, "the sum of squares of the gradients is beyond float's range",
      hint: "lower the learning rate or clip by value"), file, line)
}

/// Throws when an operator made a NaN or an infinity. Infinite inputs are reported as such.
@Sendable private func reportNonFinite(
  _ name: String, _ isBackward: Bool, _ inputs: [Tensor?], _ results: [Tensor?]
) throws {
  for case let t? in results where try !isFinite(t.detached()) {
    var ranges: [String] = []
    for case let x? in inputs where x.dtype.isFloat {
      ranges.append("\(x.type) in \(try range(x))")
    }
    throw EngineError(
      .value,
      "the \(isBackward ? "gradient" : "result") of \(name) is the first that is not finite",
      expected: "finite numbers",
      received: "\(try range(t)) from inputs " + ranges.joined(separator: ", "),
      hint: "look at the ranges of the inputs", subject: .init(operatorName: name))
  }
}

/// Whether a tensor of real numbers has neither NaN nor infinity.
private func isFinite(_ t: Tensor) throws -> Bool {
  guard t.dtype.isFloat else { return true }
  for i in 0..<t.count where t.asDouble(i)?.isFinite == false { return false }
  return true
}

/// The least and the largest element, and how many are no finite numbers.
private func range(_ t: Tensor) throws -> String {
  var (low, high, bad) = (Double.infinity, -Double.infinity, 0)
  for i in 0..<t.count {
    guard let x = t.asDouble(i), x.isFinite else {
      bad += 1
      continue
    }
    low = min(low, x)
    high = max(high, x)
  }
  let text = low <= high ? "\(low)...\(high)" : "no finite number"
  return bad > 0 ? "\(text) and \(bad) not finite" : text
}
