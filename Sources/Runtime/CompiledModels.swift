import Compiler
import Graphs
import Kernels
import Tensors

extension CompiledParts {
  /// The options with which a session can use this compiled model.
  ///
  /// Errors: `.unsupported` where it does not fit this machine or this build, `.usage` for options
  /// that it was not compiled for.
  func fit(_ options: SessionOptions) throws(EngineError) -> SessionOptions {
    guard packingVersion == PackedStore.packingVersion else {
      throw EngineError(
        .unsupported, "the compiled model's weights are packed for another version of dlrun",
        expected: "packing \(PackedStore.packingVersion)", received: "\(packingVersion)",
        hint: "compile the model again with this dlrun")
    }
    let current = "\(InstructionSet.current)"
    guard instructionSet == current else {
      throw EngineError(
        .unsupported, "the model is compiled for another instruction set", expected: current,
        received: instructionSet, hint: "compile the model on this machine")
    }
    guard let compiled = OptimizationLevel.allCases.first(where: { "\($0)" == level }) else {
      throw EngineError(.malformed, "the compiled model's level is unknown", received: level)
    }
    // At level all operators are fused, so a NaN could not be blamed on a node of the model.
    let wanted = options.checksNaN ? min(options.optimization, .basic) : options.optimization
    guard compiled <= wanted else {
      throw EngineError(
        .usage, "the model is compiled at level \(compiled)", expected: "level \(wanted) at most",
        hint: "use the model it was compiled from, or compile it with --optimize \(wanted)")
    }
    guard isExact || !options.exact else {
      throw EngineError(
        .usage, "the model is not compiled for exact kernels", hint: "compile it with --exact")
    }
    var result = options
    result.exact = isExact
    result.compact = isCompact
    result.optimization = compiled
    return result
  }
}

extension Session {
  /// A model that holds what this session made of its model, for files: the graph as it runs, and
  /// packed forms of its weights, those that plans for `inputs` ask for among them.
  ///
  /// Errors: `.usage` where the session's model is compiled already, or types do not fit; those of
  /// planning; `.unsupported` for a graph that cannot be written.
  package func compiled(
    for inputs: [String: TensorType], of model: ModelGraph
  ) throws(EngineError) -> (model: ModelGraph, parts: CompiledParts) {
    guard model.compiled == nil else {
      throw EngineError(.usage, "the model is compiled already", hint: "give the model it is of")
    }
    _ = try outline(inputs)
    var result = ModelGraph(compiledGraph)
    // From 4 on, initializers need not be inputs.
    result.irVersion = max(model.irVersion, 10)
    result.producerName = model.producerName
    result.producerVersion = model.producerVersion
    result.domain = model.domain
    result.modelVersion = model.modelVersion
    result.doc = model.doc
    result.metadata = model.metadata
    try result.makeReadable(opsets: state.opsets, using: state.options.operators)
    let packed = state.store.named(compiledGraph.initializers.map(\.tensor))
    let level = state.options.passes(state.pool).level
    let parts = CompiledParts(
      instructionSet: "\(InstructionSet.current)", packingVersion: PackedStore.packingVersion,
      level: "\(level)", isExact: state.options.exact, isCompact: state.options.compact,
      inputs: inputs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
      packed: packed.map { .init(constant: $0.name.constant, form: $0.name.form, bytes: $0.bytes) })
    return (result, parts)
  }

  /// Packed forms that the sessions of this model made, and no compiled file brought.
  package var packedHere: Int { state.store.madeCount }
}
