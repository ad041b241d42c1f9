import Graphs
import Operators
import Tensors

/// Softmax along one axis or several, with an optional mask.
struct SoftmaxLayer: KerasLayer {
  let axes: [Int]

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    axes = try config.ints("axis", default: [-1])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let b = call.b
    var given = call.argument(1, "mask")?.tensor?.id
    // A mask that came along counts too, where its shape fits.
    if given == nil, let mask = x.mask { given = mask }
    var y = x.id
    var mask: ValueID?
    if let given {
      let test =
        b.dtype(given) == .bool
        ? given : try b.apply(Greater(), given, try call.number(0.5, like: given))
      mask = test
      let low = call.lowest(of: b.dtype(y) ?? call.dtype)
      y = try call.select(test, y, try call.number(low, like: y))
    }
    if axes.count == 1 {
      y = try b.apply(Softmax(SoftmaxAxis(axes[0])), y)
    } else {
      let top = try call.reduce(ReduceMax.self, y, axes, keepDims: true)
      let e = try b.apply(Exp(), try call.sub(y, top))
      y = try call.div(e, try call.reduce(ReduceSum.self, e, axes, keepDims: true))
    }
    if let mask { y = try call.select(mask, y, try call.number(0, like: y)) }
    return call.pass(x, y)
  }
}

extension LayerCall {
  /// What Keras puts where attention must not look: -1e9, or -3e4 where float16 is computed with.
  func lowest(of dtype: DType) -> Double { dtype == .float16 ? -3e4 : -1e9 }
}
