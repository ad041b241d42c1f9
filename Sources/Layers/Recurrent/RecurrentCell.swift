import Tensors
import Training

/// One step through time: a module from an input and states to an output and new states.
///
/// A subclass writes `stateSizes`, `outputSize`, `build` and `step`; `RNN` runs it over time.
open class RecurrentCell: Layer {
  /// Sizes of the states' vectors.
  open var stateSizes: [Int] { [] }
  /// The size of the output's vector.
  open var outputSize: Int { stateSizes.first ?? 0 }

  /// - `x`: `[N, inputs]`. - `states`: `[N, size]` each.
  open func step(
    _ x: Tensor, _ states: [Tensor]
  ) throws -> (output: Tensor, states: [Tensor]) {
    throw EngineError(.internalDefect, "a cell without a step")
  }

  /// Recurrent weights with some elements dropped, the same for all steps; made before the first.
  open func begin(_ x: Tensor) throws {}

  /// The shapes of the output and the new states for one input.
  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    try expect(shapes, count: 1...Int.max)
    try expect(shapes[0], rank: 2...2)
    return [[shapes[0][0], outputSize]] + stateSizes.map { [shapes[0][0], $0] }
  }

  /// One step as a layer: inputs are `x` and the states.
  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let x = try input.first()
    var states = Array(input.values.dropFirst())
    if states.isEmpty { states = try stateSizes.map { try x.filledBatch([$0]) } }
    let (y, next) = try step(x, states)
    return LayerOutput(y, others: next)
  }
}
