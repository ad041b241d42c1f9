import Graphs
import Operators
import Tensors

/// A slope below 0 that is a weight, of the input's shape but for axes it is shared along.
struct PReLULayer: KerasLayer {
  init(_ config: KerasConfig, _ reader: KerasReader) {}

  var variables: [KerasVariable] { [KerasVariable("alpha")] }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    if let first = call.b.channelsFirstTwin(x.id) {
      let slope = try call.weight(0, form: "channels first") { (w) throws(EngineError) in
        let rank = w.shape.rank
        return try Eager().apply(Transpose(perm: [rank - 1] + Array(0..<(rank - 1))), w)
      }
      return call.pass(x, try call.b.channelsLast(try call.b.apply(PRelu(), first, slope)))
    }
    return call.pass(x, try call.b.apply(PRelu(), x.id, try call.weight(0)))
  }
}
