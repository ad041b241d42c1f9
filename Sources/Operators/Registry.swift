import Graphs
import Synchronization
import Tensors

/// Every built-in operator, family by family: the one place that lists them.
public enum Registry {
  /// The families' lists, each made when it is first asked for; those that most models need first.
  static let families: [@Sendable () -> [any Operator.Type]] = [
    { LinearAlgebra.operators }, { Activation.operators }, { Arithmetic.operators },
    { Layout.operators }, { Convolution.operators }, { Pooling.operators },
    { Normalization.operators }, { Constants.operators }, { Indexing.operators },
    { Reduction.operators }, { Comparison.operators }, { Fused.operators }, { Blocked.operators },
    { Recurrent.operators }, { Quantization.operators }, { Bytes.operators },
    { ContribFusions.operators }, { ContribQuantization.operators },
    { ContribTransformers.operators }, { Control.operators }, { Vision.operators },
    { Classical.operators }, { Trees.operators }, { Containers.operators }, { Loss.operators },
    { Optimization.operators }, { Random.operators }, { Signal.operators }, { Text.operators },
  ]

  /// All operators, sorted by domain and name.
  public static let all: [any Operator.Type] = families.flatMap { $0() }.sorted {
    ($0.schema.domain, $0.schema.name) < ($1.schema.domain, $1.schema.name)
  }

  /// Operators by name, of the families that were asked for. Small models start in the time that it
  /// would take to list all.
  private struct Table {
    var operators: [Key: any Operator.Type] = [:]
    var families = 0
  }
  private static let table = Mutex(Table())
  private struct Key: Hashable {
    let domain: String
    let name: String
  }

  /// The operator of this name; "ai.onnx" and "" are one domain.
  public static func find(domain: String, name: String) -> (any Operator.Type)? {
    let key = Key(domain: domain == "ai.onnx" ? "" : domain, name: name)
    return table.withLock { table in
      while true {
        if let found = table.operators[key] { return found }
        guard table.families < families.count else { return nil }
        for type in families[table.families]() {
          let schema = type.schema
          table.operators[Key(domain: schema.domain, name: schema.name)] = type
        }
        table.families += 1
      }
    }
  }

  /// The built-in operator of a node, its attributes decoded for the opset version.
  ///
  /// Errors: those of `OperatorSet.make`.
  public static func make(
    _ node: Graph.Node, opset: Int
  ) throws(EngineError) -> any Operator { try OperatorSet.builtIn.make(node, opset: opset) }
}
