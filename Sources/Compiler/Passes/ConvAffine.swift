import Graphs
import Operators
import Tensors

enum ConvAffine: Pass {
  static let name = "fold-conv-affine"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "an Add, Sub, Mul or Div of a convolution's result, which nothing else uses, and a "
      + "constant with one number, or one for each channel; a factor above 0 of one between bounds",
    makes: "the convolution with its weights scaled or its bias moved, and bounds scaled alike",
    why: "each channel goes through s * x + t: s * (w x + b) + t = (s w) x + (s b + t); for s > 0 "
      + "s clip(x, a, b) = clip(s x, s a, s b)")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      if g.mayUse(opset: 11, options), try moveBeforeClip(g, i) { continue }
      guard let (x, step) = affine(g, i), let (c, op) = g.made(x, by: Conv.self) else { continue }
      guard g.hasOneUse(x) else {
        g.miss(i, "\(name): the convolution's result has other uses")
        continue
      }
      // A bias is moved beside weights that are still codes as well.
      guard let kernel = g.input(c, 1), g.dtype(kernel) == .float32, let sizes = g.dims(kernel),
        sizes.count >= 3, let channels = sizes[0].known
      else { continue }
      let w = g.constant(kernel)
      guard
        let numbers = perChannel(
          step.constant, shape: step.shape, channels: channels, rank: sizes.count)
      else { continue }
      var bias = [Double](repeating: 0, count: channels)
      let old = g.input(c, 2)
      if let old {
        guard let b = g.constant(old)?.numbers, b.count == channels else { continue }
        bias = b
      }
      var scaled: ValueID? = kernel
      switch step.kind {
      case .add: bias = zip(bias, numbers).map { $0 + $1 }
      case .multiply:
        guard let w, numbers.allSatisfy(\.isFinite) else { continue }
        bias = zip(bias, numbers).map { $0 * $1 }
        let weights = try w.scaled(by: numbers, axis: 0, groups: 1)
        if weights.storage !== w.storage { scaled = g.addConstant(weights) }
      }
      let hasBias = old != nil || step.kind == .add
      let moved = hasBias ? g.addConstant(try Tensor(bias.map { Float($0) })) : nil
      try g.fuse(
        i, [c], into: op, [g.input(c, 0), scaled] + (moved.map { [$0] } ?? []), by: name)
    }
  }

  /// A factor of a convolution's result between bounds goes before these, where the weights take it.
  private static func moveBeforeClip(_ g: GraphEditor, _ i: Int) throws(EngineError) -> Bool {
    guard let (x, step) = affine(g, i), step.kind == .multiply, step.constant.count == 1,
      let factor = step.constant.first, factor > 0, Float(factor).isNormal,
      let (clip, _) = g.made(x, by: Clip.self), g.hasOneUse(x), let source = g.input(clip, 0),
      g.hasOneUse(source), g.made(source, by: Conv.self) != nil,
      let (low, high) = IdentityArithmetic.bounds(g, clip), let rank = g.dims(x)?.count,
      step.shape.rank <= rank
    else { return false }
    let c = Float(factor)
    let scaled = try g.addOne(Mul(), [source, g.addConstant(try Tensor(scalar: c))], at: i)
    let inputs = try IdentityArithmetic.clip(g, scaled, low * c, high * c)
    try g.fuse(i, [clip], into: Clip(), inputs, by: name)
    return true
  }

  private enum Kind { case add, multiply }

  /// The value a node adds a constant to or multiplies with one.
  private static func affine(
    _ g: GraphEditor, _ i: Int
  ) -> (ValueID, (kind: Kind, constant: [Double], shape: Shape))? {
    guard let a = g.input(i, 0), let b = g.input(i, 1), let y = g.output(i),
      g.dtype(y) == .float32, g.node(i).inputs.count == 2, g.broadcastsBothWays(i)
    else { return nil }
    func constant(_ v: ValueID, _ change: (Double) -> Double) -> ([Double], Shape)? {
      guard let t = g.constant(v), let list = t.numbers else { return nil }
      return (list.map(change), t.shape)
    }
    func result(
      _ x: ValueID, _ kind: Kind, _ c: ([Double], Shape)?
    ) -> (ValueID, (kind: Kind, constant: [Double], shape: Shape))? {
      c.map { (x, (kind, $0.0, $0.1)) }
    }
    switch g.node(i).op {
    case is Add: return result(a, .add, constant(b) { $0 }) ?? result(b, .add, constant(a) { $0 })
    case is Mul:
      return result(a, .multiply, constant(b) { $0 }) ?? result(b, .multiply, constant(a) { $0 })
    case is Sub: return result(a, .add, constant(b) { -$0 })
    case is Div: return result(a, .multiply, constant(b) { 1 / $0 })
    default: return nil
    }
  }

  /// One number for each channel of a result `[N, C, ...]`; nil where the constant varies along
  /// another axis, or adds axes.
  private static func perChannel(
    _ c: [Double], shape: Shape, channels: Int, rank: Int
  ) -> [Double]? {
    guard shape.rank <= rank else { return nil }
    if c.count == 1 { return [Double](repeating: c[0], count: channels) }
    let axis = shape.rank - (rank - 1)
    guard axis >= 0, shape[axis] == channels, c.count == channels else { return nil }
    return c
  }
}
