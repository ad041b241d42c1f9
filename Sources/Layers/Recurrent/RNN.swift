import Tensors
import Training

/// A cell run over time.
///
/// - Inputs: `[N, T, features]`, and where wanted the states to begin with, `[N, size]` each.
/// - Output: the last output `[N, units]`, or with `returnsSequences` all, `[N, T, units]`; with
///   `returnsState` the last states behind it. Backwards, steps come in the order they were made.
/// - Masks: a step that is left out keeps the states and repeats the output before it.
/// - Cells of LSTM, GRU and SimpleRNN with their own activation functions are one operator, for any
///   `T`; others, and masked inputs, are unrolled, for which `T` is fixed when a step is compiled.
/// - `statefulBatch`: where it is set, a batch has this size, and each sample goes on from the
///   states that the sample at its place in the batch before ended with, without a gradient through
///   them, until `resetStates`. Batches then follow each other unshuffled, and a rest is dropped.
/// - Source: Keras 3 RNN, where `statefulBatch` is `stateful` with the batch size of `Input`.
public class RNN: Layer {
  /// The cell that is run over time.
  public let cell: RecurrentCell
  /// Whether all steps are given.
  public let returnsSequences: Bool
  /// Whether the last states are given behind the output.
  public let returnsState: Bool
  /// Whether it runs from the last step to the first.
  public let goesBackwards: Bool
  /// The share of input features that is dropped in training, the same for all steps.
  public let dropout: Double

  /// Samples of a batch whose states the next one goes on from; nil where batches are apart.
  public let statefulBatch: Int?
  /// The states that the last batch ended with; none where batches are apart.
  public let kept: [StateTensor]

  public init(
    _ cell: RecurrentCell, returnsSequences: Bool = false, returnsState: Bool = false,
    goesBackwards: Bool = false, dropout: Double = 0, statefulBatch: Int? = nil
  ) {
    self.statefulBatch = statefulBatch
    kept = statefulBatch == nil ? [] : cell.stateSizes.map { _ in .pending() }
    self.cell = cell
    self.returnsSequences = returnsSequences
    self.returnsState = returnsState
    self.goesBackwards = goesBackwards
    self.dropout = dropout
    super.init()
  }

  /// A layer like this one with new weights, going the other way.
  func reversed() throws(EngineError) -> RNN {
    throw EngineError(
      .usage, "the layer cannot be turned", received: "\(type(of: self))",
      hint: "give Bidirectional the layer for the way back")
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try checked(rate: dropout)
    try expect(shapes, count: 1...1 + cell.stateSizes.count)
    try expect(shapes[0], rank: 3...3)
    try cell.prepare(for: [[shapes[0][0], shapes[0][2]]])
    if let statefulBatch { try checked(statefulBatch, "the batch size of states") }
    try resetStates()
  }

  /// Whether batches go on from each other.
  public var isStateful: Bool { statefulBatch != nil }

  /// Has the next batch begin with states of zeros. Nothing where batches are apart.
  public func resetStates() throws(EngineError) {
    guard let statefulBatch else { return }
    for (state, size) in zip(kept, cell.stateSizes) {
      state.value = try .zeros([statefulBatch, size], dtype: dtype)
    }
  }

  /// The states to begin with: those given, or those of the batch before.
  private func beginning(_ x: Tensor, _ given: [Tensor]) throws(EngineError) -> [Tensor] {
    guard given.isEmpty, let statefulBatch else { return given }
    guard x.shape[0] == statefulBatch else {
      throw EngineError(
        .shape, "the batch has another size than the states that are kept",
        expected: "\(statefulBatch) samples", received: "\(x.shape[0])",
        hint: "drop the rest of the data, or set statefulBatch to nil for single samples")
    }
    return kept.map(\.value)
  }

  private func keep(_ states: [Tensor]) {
    for (state, value) in zip(kept, states) { state.value = value.detached() }
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    try expect(shapes, count: 1...1 + cell.stateSizes.count)
    try expect(shapes[0], rank: 3...3)
    if let built = cell.inputShapes?.first?[-1] { try expect(shapes[0], axis: 2, size: built) }
    let batch = shapes[0][0]
    let y: LayerShape =
      returnsSequences ? [batch, shapes[0][1], cell.outputSize] : [batch, cell.outputSize]
    return [y] + (returnsState ? cell.stateSizes.map { [batch, $0] } : [])
  }

  public override func forward(all xs: [Tensor]) throws -> Tensor { try run(LayerInput(xs)).value }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    var x = try input.first()
    let initial = try beginning(x, Array(input.values.dropFirst()))
    guard initial.isEmpty || initial.count == cell.stateSizes.count else {
      throw EngineError(
        .arity, "states to begin with", expected: "none or \(cell.stateSizes.count)",
        received: "\(initial.count)")
    }
    if isTraining, dropout > 0 {
      let one = try x.detached().slice(1, from: 0, to: 1)
      x = try x * one.dropoutMask(dropout)
    }
    let mask = returnsSequences ? input.mask : nil
    if input.mask == nil, let gated = cell as? GatedCell,
      let r = try gated.fused(x, initial, goesBackwards ? .reverse : .forward)
    {
      let steps = try returnsSequences && goesBackwards ? r.steps.flipped([1]) : r.steps
      keep(r.last + r.cells)
      let states = returnsState ? r.last + r.cells : []
      return LayerOutput(returnsSequences ? steps : r.last[0], others: states)
    }
    let (outputs, states) = try unrolled(x, initial, input.mask)
    keep(states)
    let y = returnsSequences ? try stack(outputs, axis: 1) : outputs[outputs.count - 1]
    return LayerOutput(y, others: returnsState ? states : [], mask: mask)
  }

  private func unrolled(
    _ x: Tensor, _ initial: [Tensor], _ mask: Tensor?
  ) throws -> (outputs: [Tensor], states: [Tensor]) {
    var states = initial
    if states.isEmpty { states = try cell.stateSizes.map { try x.filledBatch([$0]) } }
    let steps = x.shape[1]
    guard steps > 0 else {
      throw EngineError(.shape, "a sequence without steps", received: "\(x.shape)")
    }
    var outputs: [Tensor] = []
    for i in 0..<steps {
      let t = goesBackwards ? steps - 1 - i : i
      let now = try x.element(t, axis: 1)
      if i == 0 { try cell.begin(now) }
      var (y, next) = try cell.step(now, states)
      if let mask {
        let counts = try mask.slice(1, from: t, to: t + 1)
        next = try zip(next, states).map { try choose(counts, $0, $1) }
        y = try choose(counts, y, outputs.last ?? y.filledLike(0))
      }
      outputs.append(y)
      states = next
    }
    return (outputs, states)
  }

  public override var configuration: [(name: String, value: String)] {
    [("units", "\(cell.outputSize)"), ("returnsSequences", "\(returnsSequences)")]
  }
}

extension Network {
  /// Has all recurrent layers that keep states begin with zeros again.
  public func resetStates() throws(EngineError) {
    for (_, m) in modules { try (m as? RNN)?.resetStates() }
  }
}
