import Graphs
import Tensors

/// Every built-in operator, family by family: the one place that lists them.
public enum Registry {
  static let families: [[any Operator.Type]] = [
    Activation.operators, Arithmetic.operators, Blocked.operators, Bytes.operators,
    Classical.operators, Comparison.operators,
    Constants.operators, Containers.operators, ContribFusions.operators,
    ContribQuantization.operators, ContribTransformers.operators, Control.operators,
    Convolution.operators, Fused.operators, Indexing.operators, Layout.operators,
    LinearAlgebra.operators, Loss.operators, Normalization.operators, Optimization.operators,
    Pooling.operators, Quantization.operators, Random.operators, Recurrent.operators,
    Reduction.operators, Signal.operators, Text.operators, Trees.operators, Vision.operators,
  ]

  /// All operators, sorted by domain and name.
  public static let all: [any Operator.Type] = families.joined().sorted {
    ($0.schema.domain, $0.schema.name) < ($1.schema.domain, $1.schema.name)
  }

  private static let byName: [Key: any Operator.Type] = {
    var table: [Key: any Operator.Type] = [:]
    for type in families.joined() {
      let schema = type.schema
      table[Key(domain: schema.domain, name: schema.name)] = type
    }
    return table
  }()
  private struct Key: Hashable {
    let domain: String
    let name: String
  }

  /// The operator of this name; "ai.onnx" and "" are one domain.
  public static func find(domain: String, name: String) -> (any Operator.Type)? {
    byName[Key(domain: domain == "ai.onnx" ? "" : domain, name: name)]
  }

  /// The built-in operator of a node, its attributes decoded for the opset version.
  ///
  /// Errors: those of `OperatorSet.make`.
  public static func make(
    _ node: Graph.Node, opset: Int
  ) throws(EngineError) -> any Operator { try OperatorSet.builtIn.make(node, opset: opset) }
}
