import Graphs
import Tensors

extension Registry {
  /// The built-in operators in the versions that `opsets` names, for rules that walk a graph.
  public static func lookup(opsets: [(domain: String, version: Int)]) -> OperatorLookup {
    OperatorLookup(
      opsets: opsets,
      make: { (node, opset) throws(EngineError) in try make(node, opset: opset) },
      schema: { find(domain: $0, name: $1)?.schema })
  }

  /// The built-in operators in the versions that `model` imports.
  public static func lookup(for model: ModelGraph) -> OperatorLookup {
    lookup(opsets: model.opsets)
  }
}
