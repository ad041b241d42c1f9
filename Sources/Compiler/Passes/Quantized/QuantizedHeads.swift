import Graphs
import Operators
import Tensors

enum QuantizedHeads: Pass {
  static let name = "fuse-quantized-attention"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "attention between 8-bit codes: a product of two DequantizeLinear, rounded or not, "
      + "times a factor, plus a mask, its softmax along the last axis rounded to codes, and the "
      + "product of these with a third DequantizeLinear, rounded or not",
    makes: "a QuantizedAttention, which multiplies codes in integers and keeps scores in cache",
    why: "scales come out of the sums, whose integers are then exact; every rounding of the graph "
      + "is made, so that codes differ by one at most")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is MatMul {
      guard let v = ByteCodes(g, g.input(i, 1)), v.isUniform(g),
        let shares = ByteCodes(g, g.input(i, 0)), shares.isUniform(g),
        let (round, _) = g.made(shares.codes, by: QuantizeLinear.self),
        let rounding = ByteRounding(g, round), g.isSame(rounding.scale, shares.scale),
        g.isSame(rounding.zero, shares.zero), let soft = g.input(round, 0),
        let (softmax, op) = g.made(soft, by: Softmax.self), let dims = g.dims(soft),
        op.axis.axis == -1 || op.axis.axis == dims.count - 1
      else { continue }
      guard g.hasOneUse(soft), g.hasOneUse(shares.codes), let input = g.input(i, 0),
        g.hasOneUse(input)
      else {
        g.miss(i, "\(name): probabilities have other uses")
        continue
      }
      try fuse(g, i, softmax, v, shares, rank: dims.count)
    }
  }

  /// What the scores went through, from the softmax back to the product.
  private struct Scores {
    var factor = 1.0
    var mask: ValueID?
    var rounding: ByteRounding?
    var product: Int
  }

  private static func scores(_ g: GraphEditor, _ softmax: Int) -> Scores? {
    guard var x = g.input(softmax, 0), g.hasOneUse(x) else { return nil }
    var result = Scores(product: softmax)
    for (a, b) in g.pairs(x, Add.self) where result.mask == nil {
      guard g.hasOneUse(a), g.dims(a)?.count == g.dims(b)?.count, g.dims(a) == g.dims(x),
        g.dims(b)?.last == g.dims(a)?.last, g.dtype(b) == .float32
      else { continue }
      if ends(g, a) {
        (result.mask, x) = (b, a)
      }
    }
    if let (y, c) = g.productWithScalar(x), g.hasOneUse(y) { (result.factor, x) = (c, y) }
    if let codes = ByteCodes(g, x) {
      guard codes.isUniform(g), g.hasOneUse(codes.codes),
        let (round, _) = g.made(codes.codes, by: QuantizeLinear.self),
        let rounding = ByteRounding(g, round), g.isSame(rounding.zero, codes.zero),
        let y = g.input(round, 0), g.hasOneUse(y)
      else { return nil }
      // Codes may be read at another scale than they were made at.
      if !g.isSame(rounding.scale, codes.scale) {
        guard let from = g.scalar(rounding.scale), let to = g.scalar(codes.scale), from > 0 else {
          return nil
        }
        result.factor *= to / from
      }
      (result.rounding, x) = (rounding, y)
    }
    guard let (product, _) = g.made(x, by: MatMul.self) else { return nil }
    result.product = product
    return result
  }

  /// Whether a value is a product, perhaps times a factor or rounded.
  private static func ends(_ g: GraphEditor, _ v: ValueID) -> Bool {
    let x = g.productWithScalar(v)?.x ?? v
    return g.made(x, by: MatMul.self) != nil || ByteCodes(g, x) != nil
  }

  private static func fuse(
    _ g: GraphEditor, _ i: Int, _ softmax: Int, _ v: ByteCodes, _ shares: ByteCodes, rank: Int
  ) throws(EngineError) {
    guard let scores = scores(g, softmax), let q = ByteCodes(g, g.input(scores.product, 0)),
      let k = ByteCodes(g, g.input(scores.product, 1)), q.isUniform(g), k.isUniform(g)
    else {
      g.miss(i, "\(name): the scores are no product of 8-bit codes")
      return
    }
    guard rank >= 2, let a = g.dims(q.codes), let b = g.dims(k.codes), let c = g.dims(v.codes),
      a.count == rank, b.count == rank, c.count == rank,
      a.dropLast(2) == b.dropLast(2), a.dropLast(2) == c.dropLast(2)
    else {
      g.miss(i, "\(name): operands are not known to have the same heads")
      return
    }
    // K is wanted with a row for each key.
    let swap = Array(0..<rank - 2) + [rank - 1, rank - 2]
    var keys: ValueID
    if let (turn, op) = g.made(k.codes, by: Transpose.self), let perm = op.perm,
      let source = g.input(turn, 0)
    {
      let own = swap.map { perm[$0] }
      keys =
        own == Array(own.indices)
        ? source : try g.addOne(Transpose(perm: own), [source], at: turn)
    } else {
      keys = try g.addOne(Transpose(perm: swap), [k.codes], at: k.node)
    }
    var inputs: [ValueID?] = [
      q.codes, q.scale, try q.zeroPoint(g), keys, k.scale, try k.zeroPoint(g), v.codes, v.scale,
      try v.zeroPoint(g), shares.scale, try shares.zeroPoint(g), scores.mask,
    ]
    inputs += [scores.rounding?.scale, try scores.rounding?.zeroPoint(g)]
    var (end, others) = (i, [softmax, scores.product])
    if let y = g.output(i), g.hasOneUse(y), let next = g.users(y).first,
      let rounding = ByteRounding(g, next)
    {
      inputs += [rounding.scale, try rounding.zeroPoint(g)]
      (end, others) = (next, others + [i])
    }
    while let last = inputs.last, last == nil { inputs.removeLast() }
    try g.fuse(end, others, into: QuantizedAttention(scale: Float(scores.factor)), inputs, by: name)
  }
}
