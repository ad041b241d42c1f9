import Graphs
import Operators
import Tensors

/// A layer applied to each time step by itself: to all of them as one batch.
struct TimeDistributedLayer: KerasLayer {
  let layer: KerasObject

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard let value = config["layer"] else {
      throw EngineError(.malformed, "'\(config.name)' wraps no layer")
    }
    layer = try reader.child(value, at: "layer")
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let dims = try call.dims(x.id)
    guard dims.count >= 3 else { throw call.unsupported("it is called without time steps") }
    let flat = try call.reshape(
      x.id, dims: [dims[0] * dims[1]] + dims[2...], like: [x.id], leading: 2)
    let made = try call.apply(layer, [.id(flat)])
    guard let y = made.tensor else { throw call.unsupported("its layer has several results") }
    let rest = try call.dims(y.id).dropFirst()
    return call.pass(
      x, try call.reshape(y.id, dims: [dims[0], dims[1]] + rest, like: [x.id, y.id]))
  }
}

extension LayerCall {
  /// A reshape that joins the first `leading` axes, whose sizes may be open.
  fileprivate func reshape(
    _ x: ValueID, dims: [Dim], like: [ValueID], leading: Int
  ) throws(EngineError) -> ValueID {
    if dims.dropFirst().allSatisfy({ $0.known != nil }) {
      return try reshape(x, [-1] + dims.dropFirst().compactMap(\.known))
    }
    let rest = try shape(Array(dims.dropFirst()), like: like)
    return try b.apply(Reshape(), x, try concat([try b.ints([-1]), rest], axis: 0))
  }
}
