import Graphs
import Tensors

extension GridSample {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let grid = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let axes = try knownRank(b, x) - 2
    var reading = Sampling(b: b, image: try reshape(b, x, [0, 0, -1]))
    var distance = try b.constant(Tensor(scalar: Int64(1)))
    var (taps, strides) = ([[(place: B.Value, weight: B.Value)]](), [B.Value]())
    for a in (0..<axes).reversed() {
      // The innermost axis comes first in the grid.
      let k = axes - 1 - a
      let place = try reshape(
        b, slice(b, grid, axis: axes + 1, k, k + 1), [0, -1])
      let n = try realSize(b, x, a + 2, like: grid)
      taps.append(try self.taps(place, SampledAxis(b, size: n)))
      strides.append(distance)
      distance = try times(b, distance, b.apply(Squeeze(axes: [0]), size(b, x, a + 2)))
    }
    reading.taps = taps
    reading.strides = strides
    let y = try reading.read()
    let shape = try b.apply(
      Concat(axis: 0),
      inputs: [
        try b.apply(ShapeOp(start: 0, end: 2), x), try b.apply(ShapeOp(start: 1, end: -1), grid),
      ])
    return Few(try b.apply(Reshape(allowZero: true), y, shape))
  }

  private func taps<B: Builder>(
    _ place: B.Value, _ axis: SampledAxis<B>
  ) throws(EngineError) -> [(place: B.Value, weight: B.Value)] {
    let b = axis.b
    let up = try plus(b, place, 1)
    var x =
      try alignsCorners
      ? times(b, times(b, up, 0.5), axis.last)
      : times(b, plus(b, times(b, up, axis.n), -1), 0.5)
    if mode == .nearest { x = try b.apply(Round(), x) }
    let low = try scalar(b, alignsCorners ? 0 : -0.5, like: place)
    let high = try plus(b, axis.last, alignsCorners ? 0 : 0.5)
    if padding == .border {
      let isOutside = try b.apply(Or(), b.apply(Less(), x, low), b.apply(Greater(), x, high))
      x = try b.apply(Where(), isOutside, axis.clamped(x), x)
    }
    if padding == .reflection { x = try reflected(b, x, low, high) }
    var list: [(place: B.Value, weight: B.Value)]
    switch mode {
    case .nearest: list = [(x, try plus(b, times(b, x, 0), 1))]
    case .linear: list = try axis.linear(x)
    case .cubic:
      let first = try b.apply(Floor(), x)
      let t = try minus(b, x, first)
      let rest = try minus(b, 1, t)
      list = [
        (try plus(b, first, -1), try far(b, plus(b, t, 1))), (first, try near(b, t)),
        (try plus(b, first, 1), try near(b, rest)),
        (try plus(b, first, 2), try far(b, plus(b, rest, 1))),
      ]
    }
    for (i, tap) in list.enumerated() {
      switch padding {
      case .zeros: list[i] = try axis.bounded(tap.place, tap.weight)
      case .border: list[i].place = try axis.clamped(tap.place)
      case .reflection:
        // The reflected place lies on a pixel or half beyond one.
        let mirrored = try b.apply(Floor(), reflected(b, tap.place, low, high))
        list[i].place = try axis.clamped(mirrored)
      }
    }
    return list
  }

  /// Keys' kernel with -0.75 for a distance below 1.
  private func near<B: Builder>(_ b: B, _ t: B.Value) throws(EngineError) -> B.Value {
    try plus(b, times(b, plus(b, times(b, t, 1.25), -2.25), times(b, t, t)), 1)
  }

  /// The same for a distance from 1 to 2.
  private func far<B: Builder>(_ b: B, _ t: B.Value) throws(EngineError) -> B.Value {
    let inner = try plus(b, times(b, plus(b, times(b, t, -0.75), 3.75), t), -6)
    return try plus(b, times(b, inner, t), 3)
  }

  /// `x` mirrored at the borders until it lies within them.
  private func reflected<B: Builder>(
    _ b: B, _ x: B.Value, _ low: B.Value, _ high: B.Value
  ) throws(EngineError) -> B.Value {
    let range = try minus(b, high, low)
    let isPoint = try b.apply(LessOrEqual(), range, scalar(b, 0, like: range))
    let width = try b.apply(Where(), isPoint, scalar(b, 1, like: range), range)
    let (isBelow, isAbove) = (try b.apply(Less(), x, low), try b.apply(Greater(), x, high))
    let distance = try b.apply(Where(), isBelow, minus(b, low, x), minus(b, x, high))
    let turns = try b.apply(Floor(), over(b, distance, width))
    let rest = try minus(b, distance, times(b, turns, width))
    let half = try times(b, turns, 0.5)
    let isEven = try b.apply(Equal(), half, b.apply(Floor(), half))
    let inward = try b.apply(
      Where(), b.apply(Equal(), isBelow, isEven), plus(b, low, rest), minus(b, high, rest))
    let result = try b.apply(Where(), b.apply(Or(), isBelow, isAbove), inward, x)
    return try b.apply(Where(), isPoint, low, result)
  }
}
