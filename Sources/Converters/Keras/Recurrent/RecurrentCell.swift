import Graphs
import Operators
import Tensors

/// One step of a recurrent layer.
protocol KerasCell: KerasLayer {
  /// The sizes of the states behind the batch, for steps of `x`.
  func stateShapes(_ x: [Dim]) throws(EngineError) -> [[Int]]
  /// The sizes of the output behind the batch.
  func outputShape(_ x: [Dim]) throws(EngineError) -> [Int]
  /// The output and the states after a step; weights are variables of the call's object.
  func step(
    _ call: LayerCall, _ x: ValueID, _ states: [ValueID]
  ) throws(EngineError) -> (output: ValueID, states: [ValueID])
}

extension KerasCell {
  /// Cells are not applied by themselves.
  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    throw call.unsupported("a cell outside of a recurrent layer is not converted")
  }
}

/// A simple, gated or long short-term cell: `SimpleRNNCell`, `GRUCell`, `LSTMCell`, and what the
/// layers of these names hold.
struct RecurrentCell: KerasCell {
  enum Kind: Sendable { case simple, gru, lstm }

  let kind: Kind
  let units: Int
  let activation: ActivationFunction
  let gate: ActivationFunction
  let usesBias: Bool
  let resetsAfter: Bool
  /// Where an archive has the weights, from the object that owns them on.
  var place = ""

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    let name = config.className
    kind = name.contains("LSTM") ? .lstm : name.contains("GRU") ? .gru : .simple
    units = try config.int("units")
    activation = try ActivationFunction(config, reader, default: "tanh")
    gate = try ActivationFunction(
      config, reader, "recurrent_activation",
      default: reader.majorVersion < 2 ? "hard_sigmoid" : "sigmoid")
    usesBias = try config.bool("use_bias", default: true)
    // Files of Keras before 2.1 know no other than the reset before.
    resetsAfter = try config.bool("reset_after", default: false)
    guard units > 0 else { throw EngineError(.malformed, "'\(config.name)' has no units") }
  }

  var variables: [KerasVariable] {
    [KerasVariable("kernel", place: place), KerasVariable("recurrent_kernel", place: place)]
      + (usesBias ? [KerasVariable("bias", place: place)] : [])
  }

  func stateShapes(_ x: [Dim]) -> [[Int]] { kind == .lstm ? [[units], [units]] : [[units]] }
  func outputShape(_ x: [Dim]) -> [Int] { [units] }

  func step(
    _ call: LayerCall, _ x: ValueID, _ states: [ValueID]
  ) throws(EngineError) -> (output: ValueID, states: [ValueID]) {
    let (kernel, recurrent) = (try call.weight(0), try call.weight(1))
    let h = states[0]
    switch kind {
    case .simple:
      var sum = try call.matmul(x, kernel)
      if usesBias { sum = try call.add(sum, try call.weight(2)) }
      let y = try activation.apply(try call.add(sum, try call.matmul(h, recurrent)), call)
      return (y, [y])
    case .lstm:
      var sum = try call.add(try call.matmul(x, kernel), try call.matmul(h, recurrent))
      if usesBias { sum = try call.add(sum, try call.weight(2)) }
      let parts = try call.split(sum, axis: 1, [units, units, units, units])
      let (i, f) = (try gate.apply(parts[0], call), try gate.apply(parts[1], call))
      let fresh = try call.mul(i, try activation.apply(parts[2], call))
      let c = try call.add(try call.mul(f, states[1]), fresh)
      let o = try gate.apply(parts[3], call)
      let y = try call.mul(o, try activation.apply(c, call))
      return (y, [y, c])
    case .gru:
      let y = try gru(call, x, h, kernel, recurrent)
      return (y, [y])
    }
  }

  private func gru(
    _ call: LayerCall, _ x: ValueID, _ h: ValueID, _ kernel: ValueID, _ recurrent: ValueID
  ) throws(EngineError) -> ValueID {
    var ahead = try call.matmul(x, kernel)
    var back: [ValueID]
    if usesBias {
      let rows = try call.rank(try call.weight(2))
      let bias = try call.weight(2)
      let first = rows == 2 ? try call.b.apply(Gather(axis: 0), bias, try call.b.scalar(0)) : bias
      ahead = try call.add(ahead, first)
    }
    let parts = try call.split(ahead, axis: 1, [units, units, units])
    if resetsAfter {
      var product = try call.matmul(h, recurrent)
      if usesBias {
        let second = try call.b.apply(
          Gather(axis: 0), try call.weight(2), try call.b.scalar(1))
        product = try call.add(product, second)
      }
      back = try call.split(product, axis: 1, [units, units, units])
    } else {
      let front = try call.slice(recurrent, axis: 1, from: 0, to: 2 * units)
      back = try call.split(try call.matmul(h, front), axis: 1, [units, units])
    }
    let z = try gate.apply(try call.add(parts[0], back[0]), call)
    let r = try gate.apply(try call.add(parts[1], back[1]), call)
    let bent: ValueID
    if resetsAfter {
      bent = try call.mul(r, back[2])
    } else {
      let last = try call.slice(recurrent, axis: 1, from: 2 * units, to: 3 * units)
      bent = try call.matmul(try call.mul(r, h), last)
    }
    let fresh = try activation.apply(try call.add(parts[2], bent), call)
    let kept = try call.mul(z, h)
    return try call.add(kept, try call.mul(try call.sub(try call.number(1, like: z), z), fresh))
  }
}
