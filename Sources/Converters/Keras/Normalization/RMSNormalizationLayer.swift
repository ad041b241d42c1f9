import Graphs
import Operators
import Tensors

/// `scale x / sqrt(mean(x^2) + epsilon)` along axes of each example.
struct RMSNormalizationLayer: KerasLayer {
  let axes: [Int]
  let epsilon: Double

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    axes = try config.ints("axis", default: [-1])
    epsilon = try config.double("epsilon", default: 1e-6)
  }

  var variables: [KerasVariable] { [KerasVariable("scale")] }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let type: DType = call.dtype == .float64 ? .float64 : .float32
    let wide = try call.cast(x.id, to: type)
    let square = try call.reduce(
      ReduceMean.self, try call.mul(wide, wide), axes, keepDims: true)
    var y = try call.div(wide, try call.b.apply(Sqrt(), try call.add(square, epsilon)))
    if let scale = try call.optionalWeight(0) {
      y = try call.mul(
        y, try call.spread(try call.cast(scale, to: type), over: axes, of: x.id))
    }
    return call.pass(x, try call.cast(y, to: call.dtype))
  }
}
