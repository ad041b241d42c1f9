import Operators
import Tensors

/// `ReLU` and `LeakyReLU`: a slope below a threshold, and a highest value.
struct ReLULayer: KerasLayer {
  let slope: Double
  let threshold: Double
  let most: Double?

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    let isLeaky = config.className == "LeakyReLU"
    // Keras 2 calls the slope of the leaky one alpha.
    slope = try config.double(
      "negative_slope", default: try config.double("alpha", default: isLeaky ? 0.3 : 0))
    threshold = try config.double("threshold", default: try config.double("theta", default: 0))
    most = try config.optionalDouble("max_value")
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    return call.pass(
      x,
      try call.pointwise(x.id) { (y) throws(EngineError) in
        try call.relu(y, slope: slope, threshold: threshold, most: most)
      })
  }
}
