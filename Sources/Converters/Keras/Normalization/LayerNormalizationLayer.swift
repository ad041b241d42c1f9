import Graphs
import Operators
import Tensors

/// Mean 0 and variance 1 along axes of each example, then `gamma` and `beta`; with `rms_scaling`
/// only the division by the standard deviation.
struct LayerNormalizationLayer: KerasLayer {
  let axes: [Int]
  let epsilon: Double
  let centers: Bool
  let scales: Bool
  let onlyScales: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    axes = try config.ints("axis", default: [-1])
    epsilon = try config.double("epsilon", default: 1e-3)
    onlyScales = try config.bool("rms_scaling", default: false)
    centers = try config.bool("center", default: true) && !onlyScales
    scales = try config.bool("scale", default: true) || onlyScales
  }

  var variables: [KerasVariable] {
    (scales ? [KerasVariable("gamma")] : []) + (centers ? [KerasVariable("beta")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let type: DType = call.dtype == .float64 ? .float64 : .float32
    let wide = try call.cast(x.id, to: type)
    let gamma = scales ? try call.weight(0, as: type) : nil
    let beta = centers ? try call.weight(scales ? 1 : 0, as: type) : nil
    let y =
      onlyScales
      ? try deviationScaled(wide, gamma, call)
      : try call.layerNorm(wide, axes: axes, epsilon: epsilon, gamma: gamma, beta: beta)
    return call.pass(x, try call.cast(y, to: call.dtype))
  }

  private func deviationScaled(
    _ x: ValueID, _ gamma: ValueID?, _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    let centred = try call.sub(x, try call.reduce(ReduceMean.self, x, axes, keepDims: true))
    let variance = try call.reduce(
      ReduceMean.self, try call.mul(centred, centred), axes, keepDims: true)
    let y = try call.div(x, try call.b.apply(Sqrt(), try call.add(variance, epsilon)))
    guard let gamma else { return y }
    return try call.mul(y, try call.spread(gamma, over: axes, of: x))
  }
}

extension LayerCall {
  /// The layer norm of `x` along `axes`: the operator where these are the last ones.
  func layerNorm(
    _ x: ValueID, axes given: [Int], epsilon: Double, gamma: ValueID?, beta: ValueID?
  ) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    var axes: [Int] = []
    for a in given { axes.append(try axis(a, rank: rank)) }
    axes.sort()
    guard let first = axes.first else { throw unsupported("no axis to normalise along") }
    let isLast = axes == Array(first..<rank)
    var sizes: [Int] = []
    for a in axes where isLast && gamma == nil { sizes.append(try size(x, a)) }
    if isLast {
      let scale: ValueID
      if let gamma {
        scale = gamma
      } else {
        let shape = try Shape(checking: sizes)
        guard shape.count <= 1 << 24 else { throw unsupported("it normalises too much") }
        let ones = try Tensor(shape: shape, [Float](repeating: 1, count: shape.count))
        scale = try b.constant(try Eager().apply(Cast(to: b.dtype(x) ?? .float32), ones))
      }
      return try b.apply(
        LayerNormalization(
          axis: first - rank, epsilon: Float(epsilon), stash: b.dtype(x) ?? .float32),
        inputs: [x, scale, beta])
    }
    let centred = try sub(x, try reduce(ReduceMean.self, x, axes, keepDims: true))
    let variance = try reduce(ReduceMean.self, try mul(centred, centred), axes, keepDims: true)
    var y = try div(centred, try b.apply(Sqrt(), try add(variance, epsilon)))
    if let gamma { y = try mul(y, try spread(gamma, over: axes, of: x)) }
    if let beta { y = try add(y, try spread(beta, over: axes, of: x)) }
    return y
  }

  /// A weight of the sizes of some axes of `x` with size 1 for the others.
  func spread(_ weight: ValueID, over axes: [Int], of x: ValueID) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    if try self.rank(weight) == rank { return weight }
    var sides = [Int](repeating: 1, count: rank)
    for a in axes {
      let i = try axis(a, rank: rank)
      sides[i] = try size(x, i)
    }
    return try reshape(weight, sides)
  }
}
