import Graphs
import Tensors

// Gradients of sequences: the gradient of a sequence of tensors is a sequence of tensors of the
// same shapes. Sequences live in graphs, so the rules write into a graph.

/// Errors: `.notDifferentiable`: a sequence is differentiated as part of a graph only.
func sequencesOnlyInGraphs(_ name: String) -> EngineError {
  EngineError(
    .notDifferentiable, "sequences are differentiated as part of a graph only",
    subject: .init(operatorName: name))
}

extension GraphBuilder {
  /// A sequence of what `make` makes of the elements of `sequences`, one of each.
  func mapped(
    _ sequences: [ValueID], _ make: (GraphBuilder, [ValueID]) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    let inner = GraphBuilder()
    var elements: [ValueID] = []
    for s in sequences {
      let type = fact(of: s).elementType ?? .tensor(nil, nil)
      let open: ValueType =
        if case .tensor(let d, let dims?) = type {
          // Sizes that are not numbers differ from element to element.
          .tensor(d, dims.contains { $0.known == nil } ? nil : dims)
        } else { type }
      let id = inner.graph.addValue("", Fact(open))
      inner.graph.inputs.append(id)
      elements.append(id)
    }
    inner.graph.outputs = [try inner.apply(Identity(), make(inner, elements))]
    return try apply(SequenceMap(body: inner.graph), inputs: sequences)
  }

  /// Zeros of the shapes of the elements of `sequence`.
  func zeroSequence(like sequence: ValueID) throws(EngineError) -> ValueID {
    try mapped([sequence]) { (b, x) throws(EngineError) in try zeros(b, like: x[0]) }
  }

  /// The sum of two gradients of one value, a tensor or a sequence.
  func sum(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID {
    guard case .sequence = fact(of: x).type else { return try plus(self, x, y) }
    return try mapped([x, y]) { (b, parts) throws(EngineError) in try plus(b, parts[0], parts[1]) }
  }

  /// `position` counted from the front among the elements of `sequence`.
  func place(_ position: ValueID, in sequence: ValueID) throws(EngineError) -> ValueID {
    let at = try apply(Cast(to: .int64), position)
    let zero = try constant(Tensor(scalar: Int64(0)))
    let behind = try plus(self, at, apply(SequenceLength(), sequence))
    return try apply(Where(), apply(Less(), at, zero), behind, at)
  }

  /// The element of `sequence` at a place, or the last one.
  func element(of sequence: ValueID, at place: ValueID?) throws(EngineError) -> ValueID {
    if let place { return try apply(SequenceAt(), sequence, place) }
    return try apply(SequenceAt(), sequence, constant(Tensor(scalar: Int64(-1))))
  }
}
