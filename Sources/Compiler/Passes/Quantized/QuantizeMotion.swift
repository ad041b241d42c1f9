import Graphs
import Operators
import Tensors

enum QuantizeMotion: Pass {
  static let name = "move-quantization"
  static let level = OptimizationLevel.all
  static let about = PassText(
    looksFor:
      "QuantizeLinear to 8 bits with one scale of a Reshape, Transpose or the like, such an "
      + "operator of a DequantizeLinear, and codes that are made into numbers and back at the same "
      + "scale",
    makes:
      "the movement on codes, so that numbers are made to codes where they come from and codes "
      + "to numbers where they are used; nothing of the third",
    why: "one scale does not depend on the place; and round((c - z) s / s) + z = c")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      if g.node(i).op is QuantizeLinear {
        if try cancel(g, i) { continue }
        try hoist(g, i)
      } else if g.isMovement(i) {
        try sink(g, i)
      }
    }
  }

  /// Codes of numbers that are those of codes at the same scale are these.
  private static func cancel(_ g: GraphEditor, _ i: Int) throws(EngineError) -> Bool {
    guard let rounding = ByteRounding(g, i), let from = ByteCodes(g, g.input(i, 0)),
      g.dtype(from.codes) == rounding.type, g.isSame(from.scale, rounding.scale),
      from.isUniform(g), let y = g.output(i), let scale = g.scalar(rounding.scale), scale > 0,
      scale > 1e-30, scale < 1e30
    else { return false }
    let zeros = (try from.zeroPoint(g), try rounding.zeroPoint(g))
    guard g.isSame(zeros.0, zeros.1), !g.isOutput(y) || g.maker(from.codes) != nil else {
      return false
    }
    g.note(i, "\(name): the codes are there already")
    if g.replace(y, with: from.codes) { g.remove(i) }
    return true
  }

  private static func hoist(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard ByteRounding(g, i) != nil, let x = g.input(i, 0), let move = g.maker(x),
      g.isMovement(move), g.hasOneUse(x), let source = g.input(move, 0),
      g.dtype(source) == .float32, let op = g.node(i).op, let moving = g.node(move).op
    else { return }
    var inputs = g.node(i).inputs
    inputs[0] = source
    let codes = try g.addOne(op, inputs, at: move, name: g.node(i).name)
    try g.fuse(i, [move], into: moving, [codes] + g.node(move).inputs.dropFirst(), by: name)
  }

  private static func sink(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let x = g.input(i, 0), let from = ByteCodes(g, x), from.isUniform(g), g.hasOneUse(x),
      g.constant(from.codes) == nil, let op = g.node(from.node).op, let moving = g.node(i).op,
      g.node(i).outputs.count == 1
    else { return }
    let codes = try g.addOne(
      moving, [from.codes] + g.node(i).inputs.dropFirst(), at: i, name: g.node(i).name)
    var inputs = g.node(from.node).inputs
    inputs[0] = codes
    try g.fuse(i, [from.node], into: op, inputs, by: name)
  }
}
