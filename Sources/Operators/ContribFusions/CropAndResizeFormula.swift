import Graphs
import Tensors

extension CropAndResize {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let boxes = inputs[1], let numbers = inputs[2], let crop = inputs[3]
    else { throw EngineError(.arity, "an input is missing") }
    guard let counts = b.fact(of: crop).knownInts, counts.count == 2,
      let channels = b.fact(of: x).dims?[1].known
    else { throw EngineError(.notDifferentiable, "the crop's size and the channels") }
    let images = try reshape(b, b.apply(Gather(), x, numbers), [0, 0, -1])
    var reading = Sampling(b: b, image: images)
    reading.strides = [
      try b.apply(Squeeze(axes: [0]), size(b, x, 3)), try b.constant(Tensor(scalar: Int64(1))),
    ]
    var inside: B.Value?
    for a in 0..<2 {
      let axis = try SampledAxis(b, size: realSize(b, x, 2 + a, like: x))
      var at = try places(b, boxes, a, counts, last: axis.last)
      let isInside = try b.apply(
        And(), b.apply(GreaterOrEqual(), at, scalar(b, 0, like: at)),
        b.apply(LessOrEqual(), at, axis.last))
      inside = if let old = inside { try b.apply(And(), old, isInside) } else { isInside }
      at = try axis.clamped(at)
      if isNearest {
        let whole = try b.apply(Floor(), plus(b, at, 0.5))
        reading.taps.append([(whole, try plus(b, zeros(b, like: at), 1))])
      } else {
        var list: [(place: B.Value, weight: B.Value)] = []
        for tap in try axis.linear(at) { list.append(try axis.bounded(tap.place, tap.weight)) }
        reading.taps.append(list)
      }
    }
    guard let inside else { throw EngineError(.shape, "an image without axes") }
    let read = try reading.read()
    let y = try b.apply(
      Where(), b.apply(Unsqueeze(axes: [1]), inside), read,
      scalar(b, Double(outside), like: read))
    return Few(try reshape(b, y, [-1, channels] + counts))
  }

  /// Where each pixel of each box reads along axis `a`, `[R, rows * columns]`.
  private func places<B: Builder>(
    _ b: B, _ boxes: B.Value, _ a: Int, _ counts: [Int], last: B.Value
  ) throws(EngineError) -> B.Value {
    let from = try times(b, slice(b, boxes, axis: 1, a, a + 1), last)
    let to = try times(b, slice(b, boxes, axis: 1, a + 2, a + 3), last)
    let (pixels, count) = (counts[0] * counts[1], counts[a])
    let shares = (0..<pixels).map { p in
      let i = a == 0 ? p / counts[1] : p % counts[1]
      return count == 1 ? 0.5 : Double(i) / Double(count - 1)
    }
    let share = try cast(b, b.constant(Tensor(shape: [1, pixels], shares)), like: from)
    return try plus(b, from, times(b, share, minus(b, to, from)))
  }
}
