import Graphs
import Operators
import Tensors

enum ConvActivation: Pass {
  static let name = "fuse-conv-activation"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a function of one input (Relu, Clip, Sigmoid, HardSwish, ...) of a convolution's "
      + "result that nothing else uses",
    makes: "a FusedConv, which applies the function before it writes the result",
    why: "the same function of the same number, applied a little earlier")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let x = g.input(i, 0), let c = ConvNode(g, g.maker(x)), c.activation.name.isEmpty,
        g.dtype(x) == .float32
      else { continue }
      guard let activation = FusedActivation(g, i) else {
        if g.node(i).op is Clip { g.miss(i, "\(name): its bounds are not constant") }
        continue
      }
      guard g.hasOneUse(x) else {
        g.miss(i, "\(name): the convolution's result has other uses")
        continue
      }
      try g.fuse(i, [c.node], into: FusedConv(c.conv, activation), c.inputs, by: name)
    }
  }
}

/// A convolution with what was joined to it so far.
struct ConvNode {
  let node: Int
  let conv: Conv
  let activation: FusedActivation
  /// X, W, B and Z, those at the end left out where absent.
  let inputs: [ValueID?]

  init?(_ g: GraphEditor, _ node: Int?) {
    guard let node else { return nil }
    self.node = node
    inputs = g.node(node).inputs
    switch g.node(node).op {
    case let op as Conv:
      conv = op
      activation = FusedActivation()
    case let op as FusedConv:
      conv = op.conv
      activation = op.activation
    default: return nil
    }
  }

  var residual: ValueID? { inputs.count > 3 ? inputs[3] : nil }
  /// The inputs with a residual.
  func inputs(adding z: ValueID) -> [ValueID?] {
    (0..<3).map { $0 < inputs.count ? inputs[$0] : nil } + [z]
  }
}
