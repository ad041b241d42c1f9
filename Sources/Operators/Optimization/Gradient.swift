import Graphs
import Tensors

/// The derivatives of one value of the graph with respect to others.
///
/// - Inputs: the values at which to take the derivatives, those of `xs` and then of `zs`; any
///   dtypes. Where they are the very values that the attributes name, the forward pass is shared;
///   else what lies between them and `y` is computed again.
/// - `xs`: names of the values to derive by. `zs`: names of further values that `y` depends on,
///   taken as constants. `y`: the value to derive; of one with several elements, their sum is
///   derived.
/// - Outputs: for each of `xs` the derivative, of its shape and dtype; zeros where `y` does not
///   depend on it.
/// - Errors: `.invalidModel` for names that the graph lacks; `.notDifferentiable` for an operator
///   on the way that has no gradient.
/// - Higher derivatives: `y` may be an output of another Gradient.
/// - Source: ONNX Gradient 1 of ai.onnx.preview.training. Replaced by the operators that compute
///   it before a graph runs: see `Graph.expandGradients`.
public struct Gradient: Operator {
  public let xs: [String]
  public let zs: [String]
  public let y: String

  public static let schema = Schema(
    "Gradient", domain: "ai.onnx.preview.training", versions: [1],
    inputs: [.variadic("Inputs", .all, "")], outputs: [.variadic("Outputs", .floats, "")],
    attributes: [
      AttributeSpec("xs", .strings, "names of the values to derive by"),
      AttributeSpec("zs", .strings, "names of values taken as constants; default none"),
      AttributeSpec("y", .string, "name of the value to derive"),
    ],
    inputCounts: [1: 1...Int.max], cases: { [] })

  public init(reading a: AttributeReader) throws(EngineError) {
    xs = try a.strings("xs", default: [])
    zs = try a.strings("zs", default: [])
    y = try a.string("y", default: "")
    guard !xs.isEmpty, !y.isEmpty else {
      throw EngineError(
        .attribute, "attributes 'xs' and 'y' are required", expected: "names of values",
        received: "xs \(xs), y '\(y)'")
    }
    guard a.inputCount == xs.count + zs.count else {
      throw EngineError(
        .arity, "the inputs do not fit 'xs' and 'zs'", expected: "\(xs.count + zs.count)",
        received: "\(a.inputCount)")
    }
  }

  public var attributes: [Attribute] {
    [.strings("xs", xs), .string("y", y)] + (zs.isEmpty ? [] : [.strings("zs", zs)])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    (0..<c.outputCount).map { i in
      guard i < xs.count, let fact = c.fact(i) else { return Fact(nil, nil) }
      return Fact(fact.type)
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    throw EngineError(
      .unsupported, "Gradient speaks of the graph around it and cannot run by itself",
      hint: "it is supported in a model's main graph")
  }
}
