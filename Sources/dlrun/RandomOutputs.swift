import DLRun
import Graphs
import Operators
import Tensors

/// Which outputs of a model are drawn at random, and what can be said of a draw whose numbers the
/// standard leaves open.
struct RandomOutputs {
  /// For each output of the graph, the random operator it depends on.
  let makers: [String?]

  init(_ model: Model) throws(EngineError) {
    let lookup = Registry.lookup(for: model)
    let graph = try model.inliningFunctions(using: lookup).graph
    var drawn = [String?](repeating: nil, count: graph.values.count)
    for node in graph.nodes {
      let before = (node.inputs.compactMap { $0 } + node.captured).lazy
        .compactMap { drawn[$0.index] }.first
      guard let maker = before ?? Self.randomOperator(node, depth: 0) else { continue }
      for case let id? in node.outputs { drawn[id.index] = maker }
    }
    makers = graph.outputs.map { drawn[$0.index] }
  }

  /// The operator within a node that does not give the same twice.
  private static func randomOperator(_ node: Graph.Node, depth: Int) -> String? {
    if let schema = Registry.find(domain: node.domain, name: node.type)?.schema,
      !schema.isDeterministic
    {
      return schema.name
    }
    guard depth < Graph.maxDepth else { return nil }
    for g in node.subgraphs {
      for inner in g.nodes {
        if let found = randomOperator(inner, depth: depth + 1) { return found }
      }
    }
    return nil
  }

  /// What contradicts that `got` is another draw of what `want` was drawn from: dtype, shape, or a
  /// value out of range. Whole numbers stay within the expected ones; others may leave them by the
  /// distance between the smallest and the largest.
  static func contradiction(_ got: Value?, _ want: Value?) -> String? {
    guard case .tensor(let a)? = got, case .tensor(let b)? = want else {
      return "\(got?.kind ?? "nothing"), expected \(want?.kind ?? "nothing")"
    }
    if a.dtype != b.dtype { return "dtype \(a.dtype), expected \(b.dtype)" }
    if a.shape != b.shape { return "shape \(a.shape), expected \(b.shape)" }
    guard let x = numbers(a), let y = numbers(b), let low = y.min(), let high = y.max() else {
      return nil
    }
    let isWhole = y.allSatisfy { $0 == $0.rounded() }
    let margin = isWhole ? 0 : high - low
    for (i, v) in x.enumerated() {
      guard v >= low - margin, v <= high + margin, !isWhole || v == v.rounded() else {
        return "element \(i) is \(v), out of the range of a draw: \(low - margin) to "
          + "\(high + margin)\(isWhole ? ", whole" : "")"
      }
    }
    return nil
  }

  private static func numbers(_ t: Tensor) -> [Double]? {
    switch t.dtype {
    case .float32: t.elements(Float.self).map { Double($0) }
    case .float64: Array(t.elements(Double.self))
    case .float16: t.elements(Float16.self).map { Double($0) }
    case .bfloat16: t.elements(BFloat16.self).map { Double($0.float) }
    case .int32: t.elements(Int32.self).map { Double($0) }
    case .int64: t.elements(Int64.self).map { Double($0) }
    case .bool: t.elements(Bool.self).map { $0 ? 1 : 0 }
    default: nil
    }
  }
}
