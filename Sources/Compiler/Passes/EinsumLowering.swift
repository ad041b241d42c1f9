import Graphs
import Operators
import Tensors

enum EinsumLowering: Pass {
  static let name = "lower-einsum"
  static let level = OptimizationLevel.all
  static let about = PassText(
    looksFor: "an Einsum of two float32 operands that is a matrix product with its axes in "
      + "another order, batched or with several axes of a kind, or that sums over nothing",
    makes: "a MatMul or a Mul, with Transpose, Reshape and Unsqueeze where axes do not lie in its "
      + "order",
    why: "it sums the same products; the passes for products and attention know it in this form")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let op = g.node(i).op as? Einsum, g.node(i).inputs.count == 2,
        let one = g.input(i, 0), let two = g.input(i, 1), g.dtype(one) == .float32,
        let first = g.dims(one), let second = g.dims(two)
      else { continue }
      if let sides = op.multiplied([first.count, second.count]), let y = g.output(i) {
        var factors: [ValueID] = []
        for (v, side) in zip([one, two], sides) {
          let x = try turned(g, i, v, side.order)
          factors.append(
            side.missing.isEmpty
              ? x : try g.addOne(Unsqueeze(), [x, g.addInts(side.missing)], at: i))
        }
        let product = try g.addOne(Mul(), factors, at: i, name: g.node(i).name)
        g.note(i, "\(name): a product of elements")
        g.replace(y, with: product)
        g.remove(i)
        continue
      }
      guard let p = op.product([first, second]) else { continue }
      let (a, b) = p.isSwapped ? (two, one) : (one, two)
      let (left, right) = p.isSwapped ? (second, first) : (first, second)
      let columns = p.right.suffix(p.columns).map { right[$0].known ?? 0 }
      let sums = p.left.suffix(p.sums).map { left[$0].known ?? 0 }
      if (p.sums > 1 && !sums.allSatisfy { $0 > 0 })
        || (p.columns > 1 && !columns.allSatisfy { $0 > 0 })
      {
        g.miss(i, "\(name): sizes of several axes that become one are not known")
        continue
      }
      let kept = [Int](repeating: 0, count: p.batch + p.rows)
      var x = try turned(g, i, a, p.left)
      if p.sums > 1 { x = try reshaped(g, i, x, kept + [-1]) }
      var w = try turned(g, i, b, p.right)
      if p.sums > 1 {
        let (k, overflow) = sums.reduce((1, false)) {
          let (next, over) = $0.0.multipliedReportingOverflow(by: $1)
          return (next, over || $0.1)
        }
        if overflow { continue }
        w = try reshaped(g, i, w, [k, -1])
      } else if p.columns > 1 {
        w = try reshaped(g, i, w, [0, -1])
      }
      var y = try g.addOne(MatMul(), [x, w], at: i, name: g.node(i).name)
      guard let old = g.output(i) else { continue }
      if p.columns > 1 {
        if p.result == Array(p.result.indices), let (sum, bias) = bias(g, old, columns) {
          // Before the axes come apart it is a product with a bias.
          let flat = try g.addOne(Reshape(), [bias, g.addInts([-1])], at: i)
          y = try g.addOne(Add(), [y, flat], at: sum, name: g.node(sum).name)
          y = try reshaped(g, sum, y, kept + columns)
          g.note(sum, "\(name): a bias of the product")
          guard let result = g.output(sum) else { continue }
          g.replace(result, with: y)
          g.remove(sum)
          g.note(i, "\(name): a matrix product")
          g.remove(i)
          continue
        }
        y = try reshaped(g, i, y, kept + columns)
      }
      y = try turned(g, i, y, p.result)
      g.note(i, "\(name): a matrix product")
      g.replace(old, with: y)
      g.remove(i)
    }
  }

  /// The only user of a value, where it adds a constant that has a number for each column.
  private static func bias(
    _ g: GraphEditor, _ v: ValueID, _ columns: [Int]
  ) -> (sum: Int, bias: ValueID)? {
    guard g.hasOneUse(v), let sum = g.users(v).first, g.node(sum).op is Add else { return nil }
    for other in g.node(sum).inputs where other != v {
      guard let other, g.constant(other) != nil, g.dims(other) == columns.map({ Dim($0) }) else {
        return nil
      }
      return (sum, other)
    }
    return nil
  }

  private static func turned(
    _ g: GraphEditor, _ i: Int, _ v: ValueID, _ order: [Int]
  ) throws(EngineError) -> ValueID {
    if order == Array(order.indices) { return v }
    return try g.addOne(Transpose(perm: order), [v], at: i)
  }

  private static func reshaped(
    _ g: GraphEditor, _ i: Int, _ v: ValueID, _ sizes: [Int]
  ) throws(EngineError) -> ValueID {
    try g.addOne(Reshape(), [v, g.addInts(sizes)], at: i)
  }
}
