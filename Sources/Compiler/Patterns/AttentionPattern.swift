import Graphs
import Kernels
import Operators
import Tensors

/// A softmax between two products.
struct AttentionPattern {
  let scores: AttentionScores
  let softmax: Int
  /// The product with values, and the softmax's result as it enters there.
  let result: Int
  let query: ValueID
  let key: ValueID
  let value: ValueID
  /// Whether NaN, where a mask hides every key, becomes 0.
  let isGuarded: Bool

  /// Nil where the softmax is not that of attention.
  init?(_ g: GraphEditor, _ node: Int) {
    guard let softmax: Softmax = g.op(node), let x = g.input(node, 0), let dims = g.dims(x),
      dims.count == 3 || dims.count == 4,
      softmax.axis.axis == -1 || softmax.axis.axis == dims.count - 1,
      let probabilities = g.output(node)
    else { return nil }
    guard let (last, guardian) = AttentionPattern.product(g, probabilities, scores: x) else {
      return nil
    }
    var why: String?
    guard let scores = AttentionScores(g, x, besides: guardian.check, why: &why),
      let q = g.input(scores.product, 0),
      let k = g.input(scores.product, 1), let v = g.input(last, 1)
    else {
      if let why { g.miss(node, "\(AttentionFusion.name): \(why)") }
      return nil
    }
    self.scores = scores
    self.softmax = node
    result = last
    isGuarded = guardian.isThere
    (query, key, value) = (q, k, v)
  }

  /// Whether rows without keys become 0, and what looks at the scores for it.
  private struct Guard {
    var isThere = false
    var check: Int?
  }

  /// The product whose first factor the probabilities are, with what may stand between.
  private static func product(
    _ g: GraphEditor, _ v: ValueID, scores x: ValueID
  ) -> (Int, Guard)? {
    var at = v
    var guardian = Guard()
    for _ in 0..<4 {
      let users = g.users(at)
      guard !g.isOutput(at) else { return nil }
      if users.count == 2 {
        guard let choice = users.first(where: { g.node($0).op is Where }),
          g.made(g.input(choice, 0), by: IsNaN.self)?.node == users.first(where: { $0 != choice }),
          g.input(choice, 2) == at, g.scalar(g.input(choice, 1)) == 0, let next = g.output(choice)
        else { return nil }
        at = next
        guardian.isThere = true
        continue
      }
      guard users.count == 1, let user = users.first else { return nil }
      switch g.node(user).op {
      case is MatMul:
        return g.input(user, 0) == at && g.input(user, 1) != at ? (user, guardian) : nil
      case is Where:
        // Zeros where all of a row of scores is -inf.
        guard at == v, g.input(user, 2) == at, let condition = g.input(user, 0),
          let zeros = g.input(user, 1), isZero(g, zeros), let y = g.output(user),
          let check = hidesRow(g, condition, x)
        else { return nil }
        at = y
        guardian = Guard(isThere: true, check: check)
      case is Reshape:
        guard let y = g.output(user), let a = g.dims(at), let b = g.dims(y), b.count > 2,
          Array(a.suffix(2)) == Array(b.suffix(2))
        else { return nil }
        at = y
      default: return nil
      }
    }
    return nil
  }

  private static func isZero(_ g: GraphEditor, _ v: ValueID) -> Bool {
    if let (_, op) = g.made(v, by: ConstantOfShape.self) { return op.value.tensor.asDouble(0) == 0 }
    return g.uniform(v) == 0
  }

  /// The Equal that compares `x` with -inf, where `condition` says whether all of a row of the last
  /// axis is: not any of (x != -inf), as torch decomposes its softmax.
  private static func hidesRow(_ g: GraphEditor, _ condition: ValueID, _ x: ValueID) -> Int? {
    var v = condition
    func step<T: Operator>(_ type: T.Type) -> Int? {
      guard let (node, _) = g.made(v, by: type), let source = g.input(node, 0) else { return nil }
      v = source
      return node
    }
    guard step(Not.self) != nil else { return nil }
    _ = step(Cast.self)
    guard let (fold, op) = g.made(v, by: ReduceMax.self), op.axes.keepDims,
      let rank = g.dims(x)?.count,
      let axes = op.axes.list ?? g.ints(g.input(fold, 1)),
      axes == [-1] || axes == [rank - 1], step(ReduceMax.self) != nil
    else { return nil }
    _ = step(Cast.self)
    guard step(Not.self) != nil, let (equal, _) = g.made(v, by: Equal.self),
      g.input(equal, 0) == x, g.scalar(g.input(equal, 1)) == -.infinity
    else { return nil }
    return equal
  }

  /// Puts Attention in its place; false with a reason where the operands do not fit.
  func fuse(
    _ g: GraphEditor, _ masks: inout MaskBuilder, by pass: String, why: inout String?
  ) throws(EngineError) -> Bool {
    guard let output = g.output(result), let dtype = g.dtype(output), dtype.isFloat else {
      why = "the element type is not known"
      return false
    }
    var found = AttentionOperands(g, query, key, value, masks: scores.masks.map(\.id))
    if found == nil { found = try turned(g) }
    guard let operands = found else {
      why = "Q, K and V are not heads of one batch"
      if g.log != nil {
        let sizes = [query, key, value].map { v in g.dims(v).map { "\($0)" } ?? "of unknown rank" }
        why? += ": Q is \(sizes[0]), K \(sizes[1]), V \(sizes[2])"
      }
      return false
    }
    guard masks.fits(g, scores.masks) else {
      why = "the mask is not known to fit the scores"
      if g.log != nil {
        let sizes = scores.masks.map { m in g.dims(m.id).map { "\($0)" } ?? "of unknown rank" }
        why? += ": \(sizes.joined(separator: ", "))"
      }
      return false
    }
    if operands.past != nil, scores.masks.contains(where: { masks.isPlainCausal(g, $0) }) {
      why = "a causal mask beside a cache"
      return false
    }
    // Attention gives 0 for a query without keys, a softmax NaN.
    let givesNaN = !isGuarded && masks.mayHideAll(g, scores.masks)
    let (mask, isCausal) = try masks.build(
      g, scores.masks, dtype: dtype, keepsCausal: givesNaN, at: softmax)
    var o = Attention.Options()
    o.scale = Float(scores.factor * operands.query.factor * operands.keyFactor)
    o.softcap = Float(scores.softcap)
    o.isCausal = isCausal
    try operands.emit(
      g, o, mask: mask, givesNaN: givesNaN, replacing: output,
      parts: [scores.product, softmax, result], by: pass)
    return true
  }

  /// The operands where K came as `[N, H, E, T]`, with a Transpose put before it.
  private func turned(_ g: GraphEditor) throws(EngineError) -> AttentionOperands? {
    guard let q = g.dims(query), let k = g.dims(key), let v = g.dims(value), q.count == 4,
      k.count == 4, v.count == 4, k[2] == q[3], k[3] == v[2],
      [k, v].allSatisfy({ $0.prefix(2) == q.prefix(2) }), q[1].known != nil, q[3].known != nil
    else { return nil }
    let place = scores.product
    let perm = [0, 1, 3, 2]
    let heads: ValueID
    if let (node, op) = g.made(key, by: Mul.self), let a = g.input(node, 0),
      let b = g.input(node, 1), g.scalar(b) != nil, g.dims(a) == k
    {
      // The factor stays outside, where it joins the scale.
      heads = try g.addOne(op, [try g.addOne(Transpose(perm: perm), [a], at: place), b], at: place)
    } else {
      heads = try g.addOne(Transpose(perm: perm), [key], at: place)
    }
    return AttentionOperands(
      g, query, heads, value, masks: scores.masks.map(\.id), isKeyTransposed: false)
  }
}
