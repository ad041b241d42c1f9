import Tensors

/// The builder that only infers: a composite's types follow from its expansion.
public struct FactBuilder: Builder {
  let fresh: Inference.Fresh

  /// Makes up sizes from the same series as `c`, so that none is used twice.
  public init(_ c: Inference) { fresh = c.fresh }

  public func fact(of value: Fact) -> Fact { value }
  public func constant(_ tensor: Tensor) -> Fact { Fact(constant: tensor) }

  public func call<Op: Operator>(
    _ op: Op, _ inputs: Few<Fact?>, outputs: Int
  ) throws(EngineError) -> Few<Fact> {
    let list = inputs.array
    do throws(EngineError) {
      try Op.schema.checkArity(inputs: list.map { $0 != nil }, outputs: outputs)
      let facts = try op.infer(
        Inference(
          inputs: list, outputCount: outputs, captured: [], fresh: fresh,
          subgraph: { (g, _, _) throws(EngineError) in g.outputs.map { g.values[$0.index].fact } }))
      guard facts.count >= outputs else {
        throw EngineError(
          .internalDefect, "inference of too few outputs", expected: "\(outputs)",
          received: "\(facts.count)")
      }
      return Few(Array(facts.prefix(outputs)))
    } catch { throw error.at(operatorName: Op.schema.name) }
  }
}

extension CompositeOperator {
  /// The types of the expansion's results.
  ///
  /// An expansion may need a rank, an element type or a shape input's values. Where one of these
  /// is not known yet, its refusal means unknown results, and a wrong model is found at run time.
  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    do throws(EngineError) {
      return try expand(FactBuilder(c), Few(c.inputs), outputs: c.outputCount).array
    } catch {
      if c.inputs.indices.allSatisfy({ isSettled(c.inputs[$0], at: $0) }) { throw error }
      return (0..<c.outputCount).map { _ in Fact(nil, nil) }
    }
  }

  private func isSettled(_ fact: Fact?, at i: Int) -> Bool {
    guard let fact, fact.isTensor else { return true }
    if fact.dtype == nil || fact.dims == nil { return false }
    let isShape = Self.schema.input(i)?.isShapeInput == true
    return !isShape || fact.elements != nil || fact.constant != nil
  }
}
