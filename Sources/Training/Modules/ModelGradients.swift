import Tensors

/// The gradients of a loss with respect to a model's parameters.
public struct Gradients {
  public let parameters: [Parameter]
  /// In the order of `parameters`; nil where the loss does not depend on one.
  public internal(set) var values: [Tensor?]

  public init(_ parameters: [Parameter], _ values: [Tensor?]) {
    precondition(parameters.count == values.count, "as many gradients as parameters")
    self.parameters = parameters
    self.values = values
  }

  /// The gradient by one parameter; nil where the loss does not depend on it.
  public subscript(_ parameter: Parameter) -> Tensor? {
    guard let i = parameters.firstIndex(where: { $0 === parameter }) else { return nil }
    return values[i]
  }

  /// The gradient by the parameter of a name.
  public subscript(_ name: String) -> Tensor? {
    guard let i = parameters.firstIndex(where: { $0.name == name }) else { return nil }
    return values[i]
  }
}

/// The value of a loss and its gradients with respect to the model's trainable parameters.
///
/// Modules behave as in training inside. There is nothing to reset between steps.
///
/// - `loss`: any Swift code; its result has one element.
/// - Errors: `.usage` when no parameter is trainable, or the loss depends on none; `.shape` for a
///   loss of several elements; and what `loss` throws, with the line of this call where it has
///   none.
///
/// ```swift
/// let (loss, gradients) = try valueAndGradient(of: model) { try $0(x).squaredDifference(y).mean()
/// }
/// ```
public func valueAndGradient<M: Module>(
  of model: M, file: StaticString = #fileID, line: UInt = #line,
  _ loss: (M) throws -> Tensor
) throws -> (value: Tensor, gradients: Gradients) {
  let context = TapeContext.current
  let parameters = model.trainableParameters
  return try located(file, line) {
    guard !parameters.isEmpty else {
      throw EngineError(
        .usage, "the model has nothing to train", expected: "a trainable parameter",
        received: "\(model.parameters.count) parameters, all frozen",
        hint: "freeze fewer, or check that modules are stored properties")
    }
    return try context.record { start in
      let outer = parameters.map(\.value)
      defer { for (p, value) in zip(parameters, outer) { p.value = value } }
      let tracked = try context.watch(outer)
      for (p, value) in zip(parameters, tracked) { p.value = value }
      let y = try inTraining { try loss(model) }
      try checkScalar(y)
      guard context.tape.tracks(y) else {
        throw EngineError(
          .usage, "the loss does not depend on any trainable parameter",
          expected: "a loss computed from the model's results",
          hint: "look for detached(), withoutGradient, or an operator without a gradient")
      }
      let list = try context.gradients(of: [y], seeds: [nil], at: tracked, from: start)
      return (
        context.leaving(y), Gradients(parameters, list.map { $0.map { context.leaving($0) } })
      )
    }
  }
}
