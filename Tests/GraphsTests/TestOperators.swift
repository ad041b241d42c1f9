import Graphs
import Tensors

// Small operators, so that these tests do not hang on how the real ones are written.

/// float32 or int64 sum of equal shapes.
struct TestAdd: Operator {
  static let schema = Schema(
    "TestAdd", domain: "test", versions: [1],
    inputs: [Parameter("A", .numeric), Parameter("B", .numeric)],
    outputs: [Parameter("C", .numeric)], cases: { [] })
  init() {}
  init(reading a: AttributeReader) throws(EngineError) {}
  func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(0), try broadcast(c.dims(0), c.dims(1)))]
  }
  func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let a = try e.tensor(0)
    let b = try e.tensor(1)
    let sums = zip(a.elements(Int64.self), b.elements(Int64.self)).map { $0 &+ $1 }
    return [.tensor(try Tensor(shape: a.shape, sums))]
  }
  func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .dynamic }
}

/// The sizes of its input.
struct TestShape: Operator {
  static let schema = Schema(
    "TestShape", domain: "test", versions: [1], inputs: [Parameter("X", .all)],
    outputs: [Parameter("Y", .int64, "")], cases: { [] })
  init() {}
  init(reading a: AttributeReader) throws(EngineError) {}
  func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let dims = c.dims(0) else { return [Fact(.int64, [c.unknown()])] }
    return [Fact(.tensor(.int64, [Dim(dims.count)]), elements: dims)]
  }
}

/// Runs one of two graphs; its types are those of the first.
struct TestIf: Operator {
  let branch: Graph
  static let schema = Schema(
    "TestIf", domain: "test", versions: [1], inputs: [Parameter("cond", .bool)],
    outputs: [.variadic("Y", .all)], attributes: [AttributeSpec("then", .graph, "")],
    cases: { [] })
  init(reading a: AttributeReader) throws(EngineError) { branch = try a.graph("then") }
  var attributes: [Attribute] { [.graph("then", branch)] }
  func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try c.subgraph(branch, [], c.captured)
  }
  static func == (a: TestIf, b: TestIf) -> Bool { a.branch.name == b.branch.name }
  func hash(into hasher: inout Hasher) { hasher.combine(branch.name) }
}

/// `X + X + X` as a formula.
struct TestTriple: CompositeOperator {
  static let schema = Schema(
    "TestTriple", domain: "test", versions: [1], inputs: [Parameter("X", .numeric)],
    outputs: [Parameter("Y", .numeric)], cases: { [] })
  init() {}
  init(reading a: AttributeReader) throws(EngineError) {}
  func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "X is missing") }
    guard b.fact(of: x).dims != nil else { throw EngineError(.shape, "X has no rank") }
    return Few(try b.apply(TestAdd(), b.apply(TestAdd(), x, x), x))
  }
}

let testOperators: [any Operator.Type] = [
  TestAdd.self, TestShape.self, TestIf.self, TestTriple.self,
]

let testLookup = OperatorLookup(
  opsets: [("test", 1), ("", 20)],
  make: { (node, opset) throws(EngineError) in
    guard let type = testOperators.first(where: { $0.schema.name == node.type }) else {
      throw EngineError(.unsupported, "operator \(node.type) is not known")
    }
    return try type.init(
      reading: AttributeReader(node.type, opset: opset, attributes: node.attributes))
  },
  schema: { (_, name) in testOperators.first { $0.schema.name == name }?.schema })

extension Graph {
  /// Adds a node of the test domain with one output.
  mutating func add(
    _ type: String, _ inputs: [ValueID?], output: String, attributes: [Attribute] = []
  ) -> ValueID {
    let y = addValue(output, Fact(nil, nil))
    nodes.append(
      Node(
        name: "make_\(output)", type: type, domain: "test", attributes: attributes, inputs: inputs,
        outputs: [y]))
    return y
  }
  func type(_ id: ValueID) -> String { values[id.index].fact.type.description }
}
