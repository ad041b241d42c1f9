import Graphs
import Tensors

/// Reading images between their pixels, written with other operators: what the gradients of
/// GridSample and DeformConv follow from.
struct Sampling<B: Builder> {
  let b: B
  /// `[N, C, pixels]`.
  let image: B.Value
  /// For each axis the places read and their weights, `[N, P]`; places lie within the axis.
  var taps: [[(place: B.Value, weight: B.Value)]] = []
  /// The distance of neighbours along each axis, int64 without axes.
  var strides: [B.Value] = []

  /// `[N, C, P]`: the sum over all combinations of taps.
  func read() throws(EngineError) -> B.Value {
    var sum: B.Value?
    var combinations: [(place: B.Value, weight: B.Value)] = []
    for (axis, list) in taps.enumerated() {
      var parts: [(place: B.Value, weight: B.Value)] = []
      for tap in list {
        let place = try b.apply(Mul(), b.apply(Cast(to: .int64), tap.place), strides[axis])
        parts.append((place, tap.weight))
      }
      if axis == 0 {
        combinations = parts
        continue
      }
      var next: [(place: B.Value, weight: B.Value)] = []
      for c in combinations {
        for p in parts {
          next.append((try plus(b, c.place, p.place), try times(b, c.weight, p.weight)))
        }
      }
      combinations = next
    }
    let shape = try b.apply(
      Concat(axis: 0),
      inputs: [
        try b.constant(Tensor([1] as [Int64])), try size(b, image, 1),
        try b.constant(Tensor([1] as [Int64])),
      ])
    for c in combinations {
      let index = try b.apply(Expand(), b.apply(Unsqueeze(axes: [1]), c.place), shape)
      let value = try b.apply(GatherElements(axis: 2), image, index)
      let part = try times(b, value, b.apply(Unsqueeze(axes: [1]), c.weight))
      sum = if let old = sum { try plus(b, old, part) } else { part }
    }
    guard let sum else { throw EngineError(.shape, "an image without axes") }
    return sum
  }
}

/// One axis of an image of `n` pixels.
struct SampledAxis<B: Builder> {
  let b: B
  /// The number of pixels, without axes, in the type of the places.
  let n: B.Value
  let last: B.Value

  init(_ b: B, size n: B.Value) throws(EngineError) {
    self.b = b
    self.n = n
    last = try plus(b, n, -1)
  }

  /// `x` brought to the first or the last pixel where it lies outside.
  func clamped(_ x: B.Value) throws(EngineError) -> B.Value {
    try b.apply(Min(), b.apply(Max(), x, scalar(b, 0, like: x)), last)
  }

  /// A tap that counts only within the image.
  func bounded(_ place: B.Value, _ weight: B.Value) throws(EngineError) -> (B.Value, B.Value) {
    let inside = try b.apply(
      And(), b.apply(GreaterOrEqual(), place, scalar(b, 0, like: place)),
      b.apply(LessOrEqual(), place, last))
    return (try clamped(place), try masked(b, weight, where: inside))
  }

  /// The pixels around `x` and their weights by distance.
  func linear(_ x: B.Value) throws(EngineError) -> [(place: B.Value, weight: B.Value)] {
    let first = try b.apply(Floor(), x)
    let t = try minus(b, x, first)
    return [(first, try minus(b, 1, t)), (try plus(b, first, 1), t)]
  }
}
