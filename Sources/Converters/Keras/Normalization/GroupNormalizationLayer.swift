import Graphs
import Operators
import Tensors

/// Mean 0 and variance 1 in groups of channels of each example, then `gamma` and `beta`.
struct GroupNormalizationLayer: KerasLayer {
  let groups: Int
  let axis: Int
  let epsilon: Double
  let centers: Bool
  let scales: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    groups = try config.int("groups", default: 32)
    let axes = try config.ints("axis", default: [-1])
    guard axes.count == 1 else {
      throw EngineError(.unsupported, "group normalisation along several axes is not converted")
    }
    axis = axes[0]
    epsilon = try config.double("epsilon", default: 1e-3)
    centers = try config.bool("center", default: true)
    scales = try config.bool("scale", default: true)
  }

  var variables: [KerasVariable] {
    (scales ? [KerasVariable("gamma")] : []) + (centers ? [KerasVariable("beta")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let rank = try call.rank(x.id)
    let place = try call.axis(axis, rank: rank)
    let channels = try call.size(x.id, place)
    let type: DType = call.dtype == .float64 ? .float64 : .float32
    var y = try call.cast(x.id, to: type)
    let isLast = place == rank - 1 && place != 1
    guard isLast || place == 1 else {
      throw call.unsupported("channels stand neither on axis 1 nor last")
    }
    y = isLast ? try call.b.channelsFirst(y) : y
    func constant(_ value: Float) throws(EngineError) -> ValueID {
      let list = try Tensor(shape: [channels], [Float](repeating: value, count: channels))
      return try call.b.constant(type == .float32 ? list : try Eager().apply(Cast(to: type), list))
    }
    let gamma = scales ? try call.weight(0, as: type) : try constant(1)
    let beta = centers ? try call.weight(scales ? 1 : 0, as: type) : try constant(0)
    let count = groups == -1 ? channels : groups
    guard count >= 1, channels % count == 0 else {
      throw EngineError(.malformed, "'\(call.name)' has \(channels) channels in \(count) groups")
    }
    if rank == 2 {
      y = try vectors(y, call, count, channels / count)
      y = try call.add(try call.mul(y, gamma), beta)
    } else {
      y = try call.b.apply(
        GroupNormalization(groups: count, epsilon: Float(epsilon), stash: type), y, gamma, beta)
    }
    y = isLast ? try call.b.channelsLast(y) : y
    return call.pass(x, try call.cast(y, to: call.dtype))
  }

  /// `[N, C]`, which the operator does not take: the groups' means off, divided by their deviations.
  private func vectors(
    _ x: ValueID, _ call: LayerCall, _ groups: Int, _ size: Int
  ) throws(EngineError) -> ValueID {
    let parts = try call.reshape(x, [0, groups, size])
    let centred = try call.sub(parts, try call.reduce(ReduceMean.self, parts, [2], keepDims: true))
    let variance = try call.reduce(
      ReduceMean.self, try call.mul(centred, centred), [2], keepDims: true)
    let y = try call.div(centred, try call.b.apply(Sqrt(), try call.add(variance, epsilon)))
    return try call.reshape(y, [0, groups * size])
  }
}
