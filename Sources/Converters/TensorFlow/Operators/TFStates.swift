import Graphs
import Tensors

/// Inputs and variables.
enum TFStates {
  static let operators: [TFOperator] =
    [
      .many("VarHandleOp") { (c) throws(EngineError) in [.variable(try key(c.node))] },
      TFOperator("ReadVariableOp") { (c) throws(EngineError) in try c.tensor(0) },
      TFOperator("VarIsInitializedOp") { (c) throws(EngineError) in
        try c.b.constant(try Tensor(scalar: true))
      },
      TFOperator("VariableShape") { (c) throws(EngineError) in
        try c.b.cast(try c.b.shape(try c.tensor(0)), try c.a.dtype("out_type") ?? .int32)
      },
      TFOperator("PlaceholderWithDefault", "the default") { (c) throws(EngineError) in
        c.note("input '\(c.node.name)' keeps its default")
        return try c.tensor(0)
      },
    ]
    + ["Placeholder", "PlaceholderV2"].map { name in
      TFOperator.many(name) { (c) throws(EngineError) in
        throw EngineError(.invalidModel, "the graph depends on an input that is not given")
      }
    }
    + ["VariableV2", "Variable"].map { name in
      TFOperator.many(name) { (c) throws(EngineError) in [.variable(c.node.name)] }
    }

  /// The name that a variable's value stands under.
  static func key(_ node: TFNode) throws(EngineError) -> String {
    let shared = try node.attributes.string("shared_name")
    return shared.isEmpty ? node.name : shared
  }
}
