import Graphs
import Operators
import Tensors

enum ConstantFolding: Pass {
  static let name = "fold-constants"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "nodes whose inputs are all known before the run: initializers, and shapes that "
      + "inference found",
    makes: "initializers with their results, as long as those stay small",
    why: "the operator's own kernel computes them, only earlier; random operators are left alone")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    var spent = 0
    let eager = Eager(pool: options.pool, options: .init(exact: options.exact))
    for i in g.nodes {
      let node = g.node(i)
      guard let op = node.op, type(of: op).schema.isDeterministic, node.subgraphs.isEmpty,
        node.outputs.contains(where: { $0 != nil }), !keeps(g, i)
      else { continue }
      if options.level >= .all, isQuantizedFactor(g, i) { continue }
      if let known = inferred(g, node) {
        settle(g, i, known)
        continue
      }
      guard let results = compute(g, node, op, eager, options.foldingBudget - spent) else {
        continue
      }
      for case let t? in results where !t.storage.isBorrowed { spent += t.byteCount }
      settle(g, i, results)
    }
  }

  /// Whether codes of a constant are a factor of a product that may be taken in integers, so that
  /// they must not be made numbers before that is tried.
  private static func isQuantizedFactor(_ g: GraphEditor, _ i: Int) -> Bool {
    if g.node(i).op is Transpose, let (node, _) = g.made(g.input(i, 0), by: DequantizeLinear.self) {
      return isQuantizedFactor(g, node)
    }
    guard g.node(i).op is DequantizeLinear else { return false }
    guard let y = g.output(i), !g.isOutput(y) else { return false }
    if let op: DequantizeLinear = g.op(i), op.scales.block > 0 { return isBlockFactor(g, y) }
    guard ByteCodes(g, y) != nil else { return false }
    return !g.users(y).isEmpty
      && g.users(y).allSatisfy { user in
        if g.node(user).op is Transpose, let turned = g.output(user), !g.isOutput(turned) {
          return g.users(turned).allSatisfy { isProduct(g, $0, of: turned) }
        }
        return isProduct(g, user, of: y)
      }
  }

  /// Whether every use of `v` is a product that takes weights in blocks.
  private static func isBlockFactor(_ g: GraphEditor, _ v: ValueID) -> Bool {
    func takes(_ user: Int, _ w: ValueID) -> Bool {
      guard let linear = LinearNode(g, user), linear.b == w else { return false }
      return BlockWeightsProduct.factor(g, linear) != nil
    }
    return !g.users(v).isEmpty
      && g.users(v).allSatisfy { user in
        guard g.node(user).op is Transpose, let turned = g.output(user) else {
          return takes(user, v)
        }
        return g.users(turned).allSatisfy { takes($0, turned) }
      }
  }

  /// Whether node `i` multiplies numbers of codes, perhaps moved, with the matrix `factor`.
  private static func isProduct(_ g: GraphEditor, _ i: Int, of factor: ValueID) -> Bool {
    guard let linear = LinearNode(g, i), linear.b == factor else { return false }
    var a: ValueID? = linear.a
    while let v = a, let node = g.maker(v), g.isMovement(node) { a = g.input(node, 0) }
    return a.flatMap { ByteCodes(g, $0) }?.isUniform(g) ?? false
  }

  /// Results whose contents inference found.
  private static func inferred(_ g: GraphEditor, _ node: Graph.Node) -> [Tensor?]? {
    var results: [Tensor?] = []
    for id in node.outputs {
      guard let id else {
        results.append(nil)
        continue
      }
      guard let t = g.fact(id).constant else { return nil }
      results.append(t)
    }
    return results
  }

  /// Results computed now; nil where an input is not known, the result is no tensor, does not fit
  /// the budget, or the kernel fails: then the run reports it with its place.
  private static func compute(
    _ g: GraphEditor, _ node: Graph.Node, _ op: any Operator, _ eager: Eager, _ budget: Int
  ) -> [Tensor?]? {
    var inputs: [Value?] = []
    for id in node.inputs {
      guard let id else {
        inputs.append(nil)
        continue
      }
      guard let t = g.constant(id) else { return nil }
      inputs.append(.tensor(t))
    }
    // What the result takes is known before it is made.
    let facts = node.inputs.map { $0.map { g.fact($0) } }
    if let results = try? op.infer(Inference(inputs: facts, outputCount: node.outputs.count)) {
      let bytes = results.reduce(0) { $0 &+ ($1.tensorType?.byteCount ?? 0) }
      if bytes < 0 || bytes > budget { return nil }
    }
    guard
      let values = try? eager.evaluate(op, inputs, outputs: node.outputs.count, runner: nil),
      values.count >= node.outputs.count
    else { return nil }
    var results: [Tensor?] = []
    for (id, value) in zip(node.outputs, values) {
      switch (id, value) {
      case (nil, _): results.append(nil)
      case (_, .tensor(let t)?): results.append(t)
      default: return nil
      }
    }
    return results
  }

  private static func settle(_ g: GraphEditor, _ i: Int, _ results: [Tensor?]) {
    g.note(i, "\(name): computed before the run")
    g.makeConstant(i, results)
  }
}
