import Graphs
import Tensors

extension DeformConv {
  /// Columns read between pixels, and a product with the weights.
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let w = inputs[1], let offset = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    guard let image = b.fact(of: x).dims, let weights = b.fact(of: w).tensorType?.shape,
      case let input = image.dropFirst(2).compactMap(\.known), input.count == image.count - 2,
      let channels = image[1].known
    else { throw EngineError(.notDifferentiable, "the sizes of the operands are not known") }
    let settled = try window.concrete(
      inputSpatial: input, kernel: Array(weights.array.dropFirst(2)))
    let axes = input.count
    let (taps, positions) = (settled.kernel.reduce(1, *), settled.output.reduce(1, *))
    let columns = taps * positions
    let offsets = try reshape(b, offset, [-1, taps, axes, positions])
    var reading = Sampling(
      b: b, image: try reshape(b, x, [-1, channels / offsetGroup, input.reduce(1, *)]))
    for a in 0..<axes {
      var base: [Double] = []
      for t in 0..<taps {
        let tap = t / settled.kernel[(a + 1)...].reduce(1, *) % settled.kernel[a]
        for p in 0..<positions {
          let place = p / settled.output[(a + 1)...].reduce(1, *) % settled.output[a]
          base.append(
            Double(place * settled.strides[a] - settled.padsBegin[a] + tap * settled.dilations[a]))
        }
      }
      let start = try cast(b, b.constant(Tensor(shape: [1, columns], base)), like: x)
      let shift = try reshape(b, slice(b, offsets, axis: 2, a, a + 1), [-1, columns])
      let axis = try SampledAxis(b, size: scalar(b, Double(input[a]), like: x))
      var list: [(place: B.Value, weight: B.Value)] = []
      for tap in try axis.linear(plus(b, start, shift)) {
        list.append(try axis.bounded(tap.place, tap.weight))
      }
      reading.taps.append(list)
      reading.strides.append(
        try b.constant(Tensor(scalar: Int64(input[(a + 1)...].reduce(1, *)))))
    }
    var read = try reading.read()
    if inputs.count > 4, let mask = inputs[4] {
      read = try times(b, read, reshape(b, mask, [-1, 1, columns]))
    }
    let rows = channels / group * taps
    let product = try b.apply(
      MatMul(), reshape(b, w, [group, weights[0] / group, rows]),
      reshape(b, read, [-1, group, rows, positions]))
    var y = try reshape(b, product, [-1, weights[0]] + settled.output)
    if inputs.count > 3, let bias = inputs[3] {
      y = try plus(b, y, perChannel(b, bias, rank: axes + 2))
    }
    return Few(y)
  }
}
