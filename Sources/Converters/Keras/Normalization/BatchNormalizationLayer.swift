import Graphs
import Operators
import Tensors

/// `gamma (x - mean) / sqrt(variance + epsilon) + beta` by channel, with the moving statistics.
struct BatchNormalizationLayer: KerasLayer {
  let axis: Int
  let epsilon: Double
  let centers: Bool
  let scales: Bool
  let renormalizes: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    let axes = try config.ints("axis", default: [-1])
    guard axes.count == 1 else {
      throw EngineError(.unsupported, "batch normalisation along several axes is not converted")
    }
    axis = axes[0]
    epsilon = try config.double("epsilon", default: 1e-3)
    centers = try config.bool("center", default: true)
    scales = try config.bool("scale", default: true)
    renormalizes = try config.bool("renorm", default: false)
  }

  var variables: [KerasVariable] {
    var list: [KerasVariable] = []
    if scales { list.append(KerasVariable("gamma")) }
    if centers { list.append(KerasVariable("beta")) }
    list.append(KerasVariable("moving_mean", isTrained: false))
    list.append(KerasVariable("moving_variance", isTrained: false))
    if renormalizes {
      for name in ["moving_stddev", "renorm_mean", "renorm_stddev"] {
        list.append(KerasVariable(name, isTrained: false, isUsed: false))
      }
    }
    return list
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let rank = try call.rank(x.id)
    let place = try call.axis(axis, rank: rank)
    // Keras computes in float32 where the layer's dtype is narrower.
    let type: DType = call.dtype == .float64 ? .float64 : .float32
    let wide = try call.cast(x.id, to: type)
    let y: ValueID
    if place == 1 {
      y = try normalized(wide, call, type)
    } else if place == rank - 1, let first = call.b.channelsFirstTwin(wide) {
      y = try call.b.channelsLast(try normalized(first, call, type))
    } else {
      y = try scaled(wide, call, type, rank: rank, place: place)
    }
    return call.pass(x, try call.cast(y, to: call.dtype))
  }

  /// The operator, channels on axis 1.
  private func normalized(
    _ x: ValueID, _ call: LayerCall, _ type: DType
  ) throws(EngineError) -> ValueID {
    let mean = (scales ? 1 : 0) + (centers ? 1 : 0)
    let count = try call.tensor(mean).shape.count
    func constant(_ value: Float) throws(EngineError) -> ValueID {
      let list = try Tensor(shape: [count], [Float](repeating: value, count: count))
      return try call.b.constant(
        type == .float32 ? list : try Eager().apply(Cast(to: type), list))
    }
    let gamma = scales ? try call.weight(0, as: type) : try constant(1)
    let beta = centers ? try call.weight(scales ? 1 : 0, as: type) : try constant(0)
    return try call.b.apply(
      BatchNormalization(epsilon: Float(epsilon)),
      inputs: [
        x, gamma, beta, try call.weight(mean, as: type), try call.weight(mean + 1, as: type),
      ])
  }

  /// A factor and an offset, where channels do not stand on axis 1.
  private func scaled(
    _ x: ValueID, _ call: LayerCall, _ type: DType, rank: Int, place: Int
  ) throws(EngineError) -> ValueID {
    let mean = (scales ? 1 : 0) + (centers ? 1 : 0)
    var sides = [Int](repeating: 1, count: rank - place)
    sides[0] = try call.tensor(mean).shape.count
    let eager = Eager()
    func wide(_ i: Int) throws(EngineError) -> Tensor {
      try eager.apply(Cast(to: .float64), try call.tensor(i))
    }
    func shaped(_ t: Tensor) throws(EngineError) -> Tensor {
      try t.reshaped(try Shape(checking: sides))
    }
    func factor() throws(EngineError) -> Tensor {
      let spread = try eager.apply(
        Sqrt(), try eager.apply(Add(), try wide(mean + 1), try Tensor(scalar: epsilon)))
      let one = scales ? try wide(0) : try Tensor(scalar: 1.0)
      return try eager.apply(Div(), one, spread)
    }
    let form = "along \(place) of \(rank)"
    let scale = try call.weight(mean + 1, as: type, form: "factor \(form)") {
      (_) throws(EngineError) in try shaped(try factor())
    }
    let offset = try call.weight(mean, as: type, form: "offset \(form)") {
      (_) throws(EngineError) in
      let moved = try eager.apply(Mul(), try wide(mean), try factor())
      let base = centers ? try wide(scales ? 1 : 0) : try Tensor(scalar: 0.0)
      return try shaped(try eager.apply(Sub(), base, moved))
    }
    return try call.add(try call.mul(x, scale), offset)
  }
}
