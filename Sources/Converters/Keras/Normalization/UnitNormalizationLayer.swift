import Graphs
import Operators
import Tensors

/// Each vector along some axes divided by its length.
struct UnitNormalizationLayer: KerasLayer {
  let axes: [Int]

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    axes = try config.ints("axis", default: [-1])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    return call.pass(x, try call.unit(x.id, axes))
  }
}

extension LayerCall {
  /// `x / sqrt(max(sum(x^2), 1e-12))`.
  func unit(_ x: ValueID, _ axes: [Int], epsilon: Double = 1e-12) throws(EngineError) -> ValueID {
    let sum = try reduce(ReduceSum.self, try mul(x, x), axes, keepDims: true)
    return try div(x, try b.apply(Sqrt(), try max(sum, try number(epsilon, like: sum))))
  }
}
