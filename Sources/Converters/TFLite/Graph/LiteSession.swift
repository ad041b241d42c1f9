import Graphs
import Tensors

/// What all subgraphs of one conversion share.
final class LiteSession: FlowSession {
  let model: LiteModel
  /// Values that initialising subgraphs assign, by the names of variables.
  var variables: [String: Tensor] = [:]
  /// Contents of tables, by name.
  var tables: [String: (keys: Tensor, values: Tensor)] = [:]

  init(_ model: LiteModel) { self.model = model }

  /// The results of subgraph `number`.
  ///
  /// Errors: `.invalidModel` where there is no such subgraph or the inputs do not fit.
  func results(of number: Int, _ arguments: [FlowValue]) throws(EngineError) -> [FlowValue] {
    try nested { () throws(EngineError) in
      let graph = try graph(number)
      guard graph.inputs.count == arguments.count else {
        throw EngineError(
          .invalidModel, "a subgraph is called with the wrong number of inputs",
          expected: "\(graph.inputs.count)", received: "\(arguments.count)")
      }
      let scope = LiteScope(self, graph)
      for (i, v) in zip(graph.inputs, arguments) { scope.set(i, v) }
      return try scope.run()
    }
  }

  func graph(_ number: Int) throws(EngineError) -> LiteGraph {
    guard model.graphs.indices.contains(number) else {
      throw EngineError(.invalidModel, "a subgraph that does not exist is called")
    }
    return model.graphs[number]
  }
}
