import Graphs
import Tensors

extension Registry {
  /// The built-in operators in the versions that `opsets` names, for rules that walk a graph.
  public static func lookup(opsets: [(domain: String, version: Int)]) -> OperatorLookup {
    OperatorSet.builtIn.lookup(opsets: opsets)
  }

  /// The built-in operators in the versions that `model` imports.
  public static func lookup(for model: ModelGraph) -> OperatorLookup {
    lookup(opsets: model.opsets)
  }
}
