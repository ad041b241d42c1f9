import Graphs
import Kernels
import Tensors

/// A recurrent layer written out step by step with other operators: what the gradient of its
/// gradient follows from.
struct RecurrentFormula<B: Builder> {
  private let b: B
  private let cell: RecurrentKernel.Cell
  private let options: RecurrentOptions
  private let activations: [CellActivation]
  private let (steps, batch, hidden): (Int, Int, Int)

  /// - `inputs`: the layer's. Errors: `.notDifferentiable` where steps, batch or neurons are not
  ///   known.
  init<Layer: RecurrentLayer>(
    _ b: B, _ layer: Layer, _ inputs: Few<B.Value?>
  ) throws(EngineError) {
    (self.b, cell, options) = (b, layer.cell, layer.options)
    activations = try layer.options.settled(default: Layer.standardActivations)
    guard let x = inputs[0], let r = inputs[2], let dims = b.fact(of: x).dims,
      let steps = dims[options.isBatchFirst ? 1 : 0].known,
      let batch = dims[options.isBatchFirst ? 0 : 1].known,
      let hidden = b.fact(of: r).dims?[2].known
    else { throw EngineError(.notDifferentiable, "steps, batch and neurons are not known") }
    (self.steps, self.batch, self.hidden) = (steps, batch, hidden)
  }

  /// What one direction has.
  private struct Direction {
    var w: B.Value
    var r: B.Value
    var bias: B.Value?
    var peepholes: B.Value?
    let functions: [CellActivation]
  }

  /// `Y`, the last states and for LSTM the last cells.
  func outputs(_ inputs: Few<B.Value?>) throws(EngineError) -> [B.Value] {
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard var x = inputs[0], let w = inputs[1], let r = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    if options.isBatchFirst { x = try b.apply(Transpose(perm: [1, 0, 2]), x) }
    let isReverse = options.direction.isReverse
    let each = activations.count / isReverse.count
    /// One direction's part of a value whose axis `axis` counts directions.
    func part(_ value: B.Value?, _ d: Int, axis: Int = 0) throws(EngineError) -> B.Value? {
      guard let value else { return nil }
      return try b.apply(
        Squeeze(axes: [axis]), slice(b, value, axis: axis, d, d + 1))
    }
    let stateAxis = options.isBatchFirst ? 1 : 0
    var (ys, hs, cs): ([B.Value], [B.Value], [B.Value]) = ([], [], [])
    for (d, reversed) in isReverse.enumerated() {
      guard let w = try part(w, d), let r = try part(r, d) else { continue }
      let direction = Direction(
        w: w, r: r, bias: try part(optional(3), d), peepholes: try part(optional(7), d),
        functions: Array(activations[d * each..<(d + 1) * each]))
      let blank = try zeros(b, like: slice(b, r, axis: 0, 0, 1))
      let start = try b.apply(
        Expand(), blank, b.constant(Tensor([Int64(batch), Int64(hidden)])))
      let made = try run(
        direction, x, lengths: optional(4), reversed: reversed,
        h: part(optional(5), d, axis: stateAxis) ?? start,
        c: part(optional(6), d, axis: stateAxis) ?? start)
      ys.append(try b.apply(Unsqueeze(axes: [1]), made.y))
      hs.append(try b.apply(Unsqueeze(axes: [stateAxis]), made.h))
      cs.append(try b.apply(Unsqueeze(axes: [stateAxis]), made.c))
    }
    var y = try b.apply(Concat(axis: 1), inputs: ys)
    if options.isBatchFirst { y = try b.apply(Transpose(perm: [2, 0, 1, 3]), y) }
    return [
      y, try b.apply(Concat(axis: stateAxis), inputs: hs),
      try b.apply(Concat(axis: stateAxis), inputs: cs),
    ]
  }

  /// One direction over all steps: `y` `[T, N, H]`. Time goes backwards from the sequence's end.
  private func run(
    _ direction: Direction, _ x: B.Value, lengths: B.Value?, reversed: Bool, h: B.Value, c: B.Value
  ) throws(EngineError) -> (y: B.Value, h: B.Value, c: B.Value) {
    var source = x
    var places: B.Value?
    if reversed {
      places = try reversal(lengths)
      source = try moved(x, places)
    }
    var (h, c) = (h, c)
    var rows: [B.Value] = []
    let length = try lengths.map { (l) throws(EngineError) in
      try reshape(b, b.apply(Cast(to: .int64), l), [-1, 1])
    }
    for t in 0..<steps {
      let input = try b.apply(Squeeze(axes: [0]), slice(b, source, axis: 0, t, t + 1))
      let made = try step(direction, input, h, c)
      guard let length else {
        (h, c) = made
        rows.append(h)
        continue
      }
      let runs = try b.apply(Less(), b.constant(Tensor(scalar: Int64(t))), length)
      h = try b.apply(Where(), runs, made.h, h)
      c = try b.apply(Where(), runs, made.c, c)
      rows.append(try masked(b, h, where: runs))
    }
    if let length {
      // A sequence of no steps has no last state.
      let isSome = try b.apply(Greater(), length, b.constant(Tensor(scalar: Int64(0))))
      (h, c) = (try masked(b, h, where: isSome), try masked(b, c, where: isSome))
    }
    var stack: [B.Value] = []
    for row in rows { stack.append(try b.apply(Unsqueeze(axes: [0]), row)) }
    let y = try b.apply(Concat(axis: 0), inputs: stack)
    return (try reversed ? moved(y, places) : y, h, c)
  }

  /// For each step and sequence the step that takes its place backwards, `[T, N]`.
  private func reversal(_ lengths: B.Value?) throws(EngineError) -> B.Value {
    let forward = try b.constant(
      Tensor(shape: [steps, 1], (0..<steps).map { Int64($0) }))
    let last = try b.constant(Tensor(scalar: Int64(steps - 1)))
    guard let lengths else {
      let shape = try b.constant(Tensor([Int64(steps), Int64(batch)]))
      return try b.apply(Expand(), b.apply(Sub(), last, forward), shape)
    }
    let length = try reshape(b, b.apply(Cast(to: .int64), lengths), [1, -1])
    let back = try b.apply(
      Sub(), b.apply(Sub(), length, b.constant(Tensor(scalar: Int64(1)))), forward)
    let isInside = try b.apply(Less(), forward, length)
    return try b.apply(Where(), isInside, back, forward)
  }

  private func moved(_ x: B.Value, _ places: B.Value?) throws(EngineError) -> B.Value {
    guard let places else { return x }
    let index = try b.apply(
      Expand(), b.apply(Unsqueeze(axes: [2]), places), sizes(b, x))
    return try b.apply(GatherElements(axis: 0), x, index)
  }

  private func gate(_ x: B.Value, _ i: Int) throws(EngineError) -> B.Value {
    let axis = try knownRank(b, x) - 1
    return try slice(b, x, axis: axis, i * hidden, (i + 1) * hidden)
  }

  /// `x w^T` with rows `from..<to` of `w`.
  private func product(
    _ x: B.Value, _ w: B.Value, _ from: Int, _ to: Int
  ) throws(EngineError) -> B.Value {
    try b.apply(MatMul(), x, turned(b, slice(b, w, axis: 0, from * hidden, to * hidden)))
  }

  private func step(
    _ d: Direction, _ x: B.Value, _ h: B.Value, _ c: B.Value
  ) throws(EngineError) -> (h: B.Value, c: B.Value) {
    let gates = cell.gates
    var sums = try product(x, d.w, 0, gates)
    var recurrentBias: B.Value?
    if let bias = d.bias {
      sums = try plus(b, sums, slice(b, bias, axis: 0, 0, gates * hidden))
      recurrentBias = try slice(b, bias, axis: 0, gates * hidden, 2 * gates * hidden)
    }
    func withBias(_ x: B.Value, _ from: Int, _ to: Int) throws(EngineError) -> B.Value {
      guard let recurrentBias else { return x }
      return try plus(b, x, slice(b, recurrentBias, axis: 0, from * hidden, to * hidden))
    }
    switch cell {
    case .rnn:
      let sum = try plus(b, sums, withBias(product(h, d.r, 0, 1), 0, 1))
      return (try activated(d.functions[0], sum), c)
    case .gru(let linear):
      let early = try plus(
        b, slice(b, sums, axis: 1, 0, 2 * hidden), withBias(product(h, d.r, 0, 2), 0, 2))
      let z = try activated(d.functions[0], gate(early, 0))
      let reset = try activated(d.functions[0], gate(early, 1))
      let seen = try linear ? h : times(b, reset, h)
      var part = try withBias(product(seen, d.r, 2, 3), 2, 3)
      if linear { part = try times(b, reset, part) }
      let candidate = try activated(d.functions[1], plus(b, gate(sums, 2), part))
      let kept = try times(b, z, h)
      return (try plus(b, times(b, minus(b, 1, z), candidate), kept), c)
    case .lstm(let couples):
      let all = try plus(b, sums, withBias(product(h, d.r, 0, 4), 0, 4))
      var (i, o, f) = (try gate(all, 0), try gate(all, 1), try gate(all, 2))
      if let p = d.peepholes {
        i = try plus(b, i, times(b, gate(p, 0), c))
        f = try plus(b, f, times(b, gate(p, 2), c))
      }
      i = try activated(d.functions[0], i)
      f = try couples ? minus(b, 1, i) : activated(d.functions[0], f)
      let candidate = try activated(d.functions[1], gate(all, 3))
      let next = try plus(b, times(b, f, c), times(b, i, candidate))
      if let p = d.peepholes { o = try plus(b, o, times(b, gate(p, 1), next)) }
      o = try activated(d.functions[0], o)
      return (try times(b, o, activated(d.functions[2], next, clips: false)), next)
    }
  }

  private func activated(
    _ f: CellActivation, _ given: B.Value, clips: Bool = true
  ) throws(EngineError) -> B.Value {
    var x = given
    if clips, let clip = options.clip { x = try b.apply(Clip(lower: -clip, upper: clip), x) }
    switch f {
    case .sigmoid: return try b.apply(Sigmoid(), x)
    case .tanh: return try b.apply(Tanh(), x)
    case .relu: return try b.apply(Relu(), x)
    case .softsign: return try b.apply(Softsign(), x)
    case .softplus: return try b.apply(Softplus(), x)
    case .affine(let a, let c): return try plus(b, times(b, x, Double(a)), Double(c))
    case .leakyRelu(let a): return try b.apply(LeakyRelu(alpha: a), x)
    case .thresholdedRelu(let a): return try b.apply(ThresholdedRelu(alpha: a), x)
    case .scaledTanh(let a, let c):
      return try times(b, b.apply(Tanh(), times(b, x, Double(c))), Double(a))
    case .hardSigmoid(let a, let c): return try b.apply(HardSigmoid(alpha: a, beta: c), x)
    case .elu(let a): return try b.apply(Elu(alpha: a), x)
    }
  }
}
