import Graphs
import Tensors

/// Calls, and the nodes of old control flow where nothing decides between them.
enum TFFlow {
  static let operators: [TFOperator] =
    ["PartitionedCall", "StatefulPartitionedCall"].map { name in
      TFOperator.many(name, "inlined") { (c) throws(EngineError) in
        try TFFunctions.call(try TFFunctions.named("f", c), c)
      }
    }
    + ["Switch", "RefSwitch"].map { name in
      TFOperator.many(name, outputs: ["output_false", "output_true"]) { (c) throws(EngineError) in
        guard let x = c.inputs.first else {
          throw EngineError(.invalidModel, "input 0 is missing")
        }
        return [x, x]
      }
    }
    + [
      TFOperator.many("_SwitchN") { (c) throws(EngineError) in
        guard let x = c.inputs.first else {
          throw EngineError(.invalidModel, "input 0 is missing")
        }
        let count = try c.a.int("num_outs", 1)
        return Array(repeating: x, count: min(max(count, 0), 1 << 16))
      }
    ]
    + ["Enter", "RefEnter", "NextIteration", "RefNextIteration", "LoopCond"].map { name in
      TFOperator.many(name) { (c) throws(EngineError) in
        guard let x = c.inputs.first else {
          throw EngineError(.invalidModel, "input 0 is missing")
        }
        return [x]
      }
    }
    // Scopes convert these with all that belongs to them; the table names them.
    + ["Merge", "RefMerge", "Exit", "RefExit"].map { name in
      TFOperator.many(name, outputs: ["output", "value_index"]) { (c) throws(EngineError) in
        throw EngineError(.internalDefect, "a node of a loop or choice was converted by itself")
      }
    }
}
