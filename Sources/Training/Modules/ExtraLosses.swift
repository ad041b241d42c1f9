import Tensors

/// Runs `body`; what layers in it added to the loss.
public func collectingLosses<R>(_ body: () throws -> R) rethrows -> (result: R, losses: [Tensor]) {
  let context = TapeContext.current
  let before = context.extraLosses
  context.extraLosses = []
  defer { context.extraLosses = before }
  let result = try body()
  return (result, context.extraLosses ?? [])
}

extension Layer {
  /// Adds a term to the loss of the training step that runs, if one does.
  public func addLoss(_ term: @autoclosure () throws -> Tensor) rethrows {
    let context = TapeContext.current
    guard context.isTraining, context.extraLosses != nil else { return }
    context.extraLosses?.append(try term())
  }
}

extension Module {
  /// The penalties of all trainable parameters that have one.
  public func penalties() throws -> [Tensor] {
    try trainableParameters.compactMap { p in try p.penalty?(p.value) }
  }

  /// Applies the constraints of all parameters that have one.
  public func constrain() throws {
    for p in parameters {
      if let constraint = p.constraint {
        p.value = try withoutGradient { try constraint(p.value).detached() }
      }
    }
  }
}
