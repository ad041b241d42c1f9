import Graphs
import Operators
import Tensors

enum LinearUnflattening: Pass {
  static let name = "unflatten-linear"
  static let level = OptimizationLevel.all
  static let about = PassText(
    looksFor: "a product with a matrix, constant if turned, between two Reshapes: the first makes "
      + "one axis of the leading ones and the second takes them apart again, as programs "
      + "decomposed before they were saved have it",
    makes: "the product of the value as it was, a sum with the bias behind it",
    why: "a MatMul takes each row of the last axis by itself, however many axes count the rows")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is Reshape {
      guard let x = g.input(i, 0), g.hasOneUse(x), let linear = LinearNode(g, g.maker(x)),
        linear.isPlain, !(g.node(linear.node).op is FusedLinear),
        !linear.transB || g.isInitializer(linear.b),
        let to = g.output(i).flatMap({ g.dims($0) }), let width = linear.width(g),
        let rows = try rows(g, i, linear, to.last == width ? to : nil)
      else { continue }
      var b = linear.b
      if linear.transB { b = try g.addOne(Transpose(perm: [1, 0]), [b], at: i) }
      let product = try g.addOne(MatMul(), [rows, b], at: i, name: g.node(linear.node).name)
      var sum = product
      if let bias = linear.bias { sum = try g.addOne(Add(), [product, bias], at: i) }
      g.note(linear.node, "\(name): takes the rows as they lie")
      if g.dims(sum) != to || !g.bypass(i, with: sum, by: name) { g.setInput(i, 0, to: sum) }
    }
  }

  /// The rows that the product takes, by as many axes as its result is wanted in; nil where that
  /// saves nothing.
  private static func rows(
    _ g: GraphEditor, _ i: Int, _ linear: LinearNode, _ to: [Dim]?
  ) throws(EngineError) -> ValueID? {
    guard let depth = g.dims(linear.a)?.last else { return nil }
    guard let (first, _) = g.made(linear.a, by: Reshape.self), let source = g.input(first, 0) else {
      return to.flatMap { apart(g, linear, $0.dropLast() + [depth]) }
    }
    guard let from = g.dims(source), from.count > 1 else { return nil }
    if let to, from.last == depth, Array(from.dropLast()) == Array(to.dropLast()) { return source }
    // The order of elements is the same, whatever axes they count by.
    if from.last == depth, from.count > 2, g.isFlatReshape(i) { return source }
    guard let to, to.count > 2, g.hasOneUse(linear.a),
      let target = try g.flatTarget(to.dropLast() + [depth])
    else {
      g.miss(i, "\(name): the rows before and after are not known to be the same")
      return nil
    }
    return try g.addOne(Reshape(), [source, target], at: i)
  }

  /// What another Reshape made of the rows, where that has these axes: between two products nothing
  /// else is left of them.
  private static func apart(_ g: GraphEditor, _ linear: LinearNode, _ dims: [Dim]) -> ValueID? {
    for user in g.users(linear.a) where g.node(user).op is Reshape && g.input(user, 0) == linear.a {
      if let rows = g.output(user), g.dims(rows) == dims,
        !g.isMade(
          [g.input(user, 1)].compactMap { $0 }, of: g.node(linear.node).outputs.compactMap { $0 })
      {
        return rows
      }
    }
    return nil
  }
}
