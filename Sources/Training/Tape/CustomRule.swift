import Graphs
import Tensors

/// How gradients flow through a stretch of the program that is no operator.
final class CustomRule {
  typealias Run = (inout Backpropagation, Few<Tensor?>, [Tensor?]) throws -> Void
  /// Whether gradients may flow to values that are not among the inputs, such as parameters.
  let alwaysRuns: Bool
  let run: Run

  init(alwaysRuns: Bool = false, run: @escaping Run) {
    self.alwaysRuns = alwaysRuns
    self.run = run
  }
}

/// Applies a function that says itself what its derivative is.
///
/// ```swift
/// let y = try withDerivative(at: [x], { try [$0[0].relu()] }) { inputs, outputs, upstreams in
///   [upstreams[0]]  // the gradient goes straight through
/// }
/// ```
///
/// - `function`: from the inputs to the outputs; not recorded.
/// - `derivative`: from inputs, outputs and the outputs' gradients (zeros where none flows) to the
///   inputs' gradients, nil for those that get none. Recorded when a higher derivative is taken.
/// - Errors: what they throw; `.arity` and `.shape` where gradients do not fit the inputs.
public func withDerivative(
  at inputs: [Tensor], _ function: ([Tensor]) throws -> [Tensor],
  derivative: @escaping ([Tensor], [Tensor], [Tensor]) throws -> [Tensor?]
) throws -> [Tensor] {
  let context = TapeContext.current
  if let capture = context.capture {
    try capture.checkCustom("a function with a derivative of its own", inputs)
    return try function(inputs)
  }
  let outputs = try context.paused { try function(inputs.map { $0.detached() }) }
  let list = Few<Tensor?>(inputs)
  guard context.isRecording, context.tape.tracks(list) else { return outputs }
  let rule = CustomRule { (b, given, upstreams) in
    let values = given.array.compactMap { $0 }
    var seeds: [Tensor] = []
    for (y, g) in zip(outputs, upstreams) { seeds.append(try g ?? zeros(like: y)) }
    let results =
      b.isRecorded
      ? try derivative(values, outputs, seeds)
      : try b.context.paused { try derivative(values, outputs, seeds) }
    guard results.count == values.count else {
      throw EngineError(
        .arity, "a derivative gave the wrong number of gradients", expected: "\(values.count)",
        received: "\(results.count)")
    }
    for (x, g) in zip(values, results) {
      guard let g, let n = b.context.tape.number(x), b.needs(n) else { continue }
      guard g.type == x.type else {
        throw EngineError(
          .shape, "a derivative gave a gradient of another type than its input",
          expected: "\(x.type)", received: "\(g.type)")
      }
      try b.add(g, to: n)
    }
  }
  return context.tape.record(nil, rule, list, Few(outputs)).array
}

/// Runs `body` without keeping what happens inside: it runs once more when gradients are taken, so
/// that long chains train in little memory.
///
/// Random numbers are drawn the same again. `body` must have no effects that may not happen twice.
///
/// - Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
public func checkpointed(
  _ inputs: [Tensor], _ body: @escaping ([Tensor]) throws -> [Tensor]
) throws -> [Tensor] {
  let context = TapeContext.current
  guard context.isRecording else { return try body(inputs) }
  let random = context.random
  let outputs = try context.paused { try body(inputs) }
  let rule = CustomRule(alwaysRuns: true) { (b, given, upstreams) in
    let after = b.context.random
    b.context.random = random
    defer { b.context.random = after }
    let values = given.array.compactMap { $0 }
    try b.replay(upstreams) { try body(values) }
  }
  return context.tape.record(nil, rule, Few(inputs), Few(outputs)).array
}

/// The same for one tensor.
public func checkpointed(
  _ input: Tensor, _ body: @escaping (Tensor) throws -> Tensor
) throws -> Tensor {
  try checkpointed([input]) { try [body($0[0])] }[0]
}
