import Graphs
import Operators
import Tensors

enum LinearReshape: Pass {
  static let name = "flatten-linear"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a product with a matrix between two Reshapes, of which the first makes one axis of "
      + "the leading ones and the second takes them apart again",
    makes: "a FusedLinear of the value as it was, and a Reshape behind it where that splits the "
      + "last axis too",
    why: "FusedLinear takes each row of the last axis by itself, however many axes count the rows")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is Reshape {
      guard let x = g.input(i, 0), let y = g.output(i), let linear = LinearNode(g, g.maker(x)),
        linear.residual == nil, let (first, _) = g.made(linear.a, by: Reshape.self),
        let source = g.input(first, 0), let from = g.dims(source), let to = g.dims(y),
        let width = linear.width(g), let k = g.dims(linear.a)?.last
      else { continue }
      let isSame =
        from.last == k && to.last == width && Array(from.dropLast()) == Array(to.dropLast())
      guard isSame || from.last == k && from.count > 2 && g.isFlatReshape(i) else {
        g.miss(i, "\(name): the rows before and after are not known to be the same")
        continue
      }
      guard g.hasOneUse(x) else {
        g.miss(i, "\(name): the product has other uses")
        continue
      }
      var inputs = linear.inputs()
      inputs[0] = source
      let op = FusedLinear(linear.activation, transB: linear.transB)
      if isSame {
        try g.fuse(i, [linear.node, first], into: op, inputs, by: name)
      } else {
        // The order of elements is the same, whatever axes they count by.
        g.setInput(i, 0, to: try g.addOne(op, inputs, at: i, name: g.node(linear.node).name))
        g.note(i, "\(name): takes apart what a FusedLinear made of the rows as they were")
      }
    }
  }
}
