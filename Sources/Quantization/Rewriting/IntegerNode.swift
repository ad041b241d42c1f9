import Graphs
import Operators
import Tensors

/// A node that can work on integers between layers.
struct IntegerNode {
  let inputs: [ValueID]
  let outputs: [ValueID]
  /// Whether it moves numbers or picks among them, so that they keep their scale.
  let sharesScale: Bool

  init?(_ g: GraphEditor, _ i: Int) {
    guard let x = g.input(i, 0), let y = g.output(i), g.dtype(x) == .float32 else { return nil }
    let all = g.node(i).inputs.compactMap { $0 }
    var (inputs, outputs, shares) = ([x], [y], true)
    switch g.node(i).op {
    case is MaxPool:
      guard g.node(i).outputs.count == 1 else { return nil }
    case is GlobalMaxPool, is Reshape, is Flatten, is Transpose, is Squeeze, is Unsqueeze, is Slice,
      is Identity, is DepthToSpace, is SpaceToDepth:
      break
    case is Concat: inputs = all
    case is Split: outputs = g.node(i).outputs.compactMap { $0 }
    case let op as Resize:
      guard op.mode == .nearest || op.mode == .linear, !op.antialias, op.extrapolation == 0 else {
        return nil
      }
    case is AveragePool, is GlobalAveragePool, is Sigmoid, is LeakyRelu, is HardSwish,
      is HardSigmoid, is Relu, is Clip:
      shares = false
    case is Add, is Mul:
      // A constant operand has no quantiser.
      guard all.count == 2, all[0] != all[1], all.allSatisfy({ g.constant($0) == nil }) else {
        return nil
      }
      (inputs, shares) = (all, false)
    default: return nil
    }
    guard (inputs + outputs).allSatisfy({ g.dtype($0) == .float32 && g.constant($0) == nil }) else {
      return nil
    }
    self.inputs = inputs
    self.outputs = outputs
    sharesScale = shares
  }
}
