import Graphs
import Operators
import Tensors

/// `LayerScale` of `keras.applications.convnext`: a factor for each channel, which stand last.
struct LayerScaleLayer: KerasLayer {
  init(_ config: KerasConfig, _ reader: KerasReader) {}

  var variables: [KerasVariable] { [KerasVariable("gamma")] }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    return .id(try call.mul(x.id, try call.weight(0)))
  }
}
