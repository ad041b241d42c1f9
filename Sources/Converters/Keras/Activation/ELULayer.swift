import Operators
import Tensors

/// `alpha (e^x - 1)` below 0.
struct ELULayer: KerasLayer {
  let alpha: Double

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    alpha = try config.double("alpha", default: 1)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    return call.pass(
      x,
      try call.pointwise(x.id) { (y) throws(EngineError) in
        try call.b.apply(Elu(alpha: Float(alpha)), y)
      })
  }
}
