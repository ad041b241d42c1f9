import Graphs
import Operators
import Tensors

/// Time steps all of whose elements equal a value become 0 and are masked from there on.
struct MaskingLayer: KerasLayer {
  let value: Double

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    value = try config.double("mask_value", default: 0)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let b = call.b
    let differs = try call.not(try b.apply(Equal(), x.id, try call.number(value, like: x.id)))
    let any = try call.reduce(
      ReduceMax.self, try call.cast(differs, to: .float32), [-1], keepDims: true)
    let keep = try b.apply(Greater(), any, try b.scalar(Float(0.5)))
    let y = try call.select(keep, x.id, try call.number(0, like: x.id))
    return .tensor(KerasTensor(y, mask: try call.squeeze(keep, [-1])))
  }
}
