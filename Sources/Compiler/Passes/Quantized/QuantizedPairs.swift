import Graphs
import Operators
import Tensors

enum QuantizedPairs: Pass {
  static let name = "join-quantized-pairs"
  static let level = OptimizationLevel.all
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor: "a QuantizeLinear of a sum or product of two DequantizeLinear, all of one 8-bit type "
      + "and each with one scale, that no other kernel on integers took",
    makes: "com.microsoft's QLinearAdd or QLinearMul of the codes",
    why: "it is what they compute, in one pass over bytes instead of three over numbers of four; a "
      + "result moves by one step at most, where its number lies next to a tie")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is QuantizeLinear {
      guard let rounding = ByteRounding(g, i), isScale(g, rounding.scale), let x = g.input(i, 0),
        g.hasOneUse(x), !g.isOutput(x), let node = g.maker(x)
      else { continue }
      let pair: any Operator
      switch g.node(node).op {
      case is Add: pair = QLinearAdd()
      case is Mul: pair = QLinearMul()
      default: continue
      }
      guard let a = ByteCodes(g, g.input(node, 0)), let b = ByteCodes(g, g.input(node, 1)),
        g.dtype(a.codes) == rounding.type, g.dtype(b.codes) == rounding.type,
        isScale(g, a.scale), isScale(g, b.scale)
      else {
        g.miss(i, "\(name): the factors are no codes of the result's type, with one scale each")
        continue
      }
      let inputs: [ValueID?] = [
        a.codes, a.scale, a.zero, b.codes, b.scale, b.zero, rounding.scale, rounding.zero,
      ]
      try g.fuse(i, [node], into: pair, inputs, by: name)
    }
  }

  /// Whether a scale is one constant that products and quotients of scales can be made with.
  private static func isScale(_ g: GraphEditor, _ v: ValueID) -> Bool {
    guard let s = g.scalar(v) else { return false }
    return s > 1e-15 && s < 1e15
  }
}
