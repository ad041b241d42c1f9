import Formats
import Graphs
import Operators
import Tensors

/// `RNN`, `SimpleRNN`, `GRU`, `LSTM` and `ConvLSTM`: a cell applied step by step along axis 1.
///
/// Without a mask and with functions that ONNX knows they become its recurrent operators, else a
/// Scan over the cell's step. Masked steps keep the states; their output repeats the one before, or
/// is 0 where the layer says so.
struct KerasRecurrentLayer: KerasLayer {
  /// The cell where the layer itself has its weights.
  let own: (any KerasCell)?
  /// The cell of an `RNN`.
  let wrapped: KerasObject?
  let returnsSequences: Bool
  let returnsState: Bool
  let goesBackwards: Bool
  let zeroesMasked: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard try !config.bool("stateful", default: false) else {
      throw EngineError(
        .unsupported, "stateful layers keep states between calls, which a graph cannot",
        hint: "save the model with stateful=False and give states as inputs")
    }
    returnsSequences = try config.bool("return_sequences", default: false)
    returnsState = try config.bool("return_state", default: false)
    goesBackwards = try config.bool("go_backwards", default: false)
    zeroesMasked = try config.bool("zero_output_for_mask", default: false)
    switch config.className {
    case "RNN":
      own = nil
      guard let value = config["cell"] else {
        throw EngineError(.malformed, "'\(config.name)' has no cell")
      }
      let cell: KerasObject
      if value.asArray != nil {
        cell = try reader.child(
          KerasConfig(className: "StackedRNNCells", members: ["cells": value]), at: "cell")
      } else {
        cell = try reader.child(value, at: "cell")
      }
      guard cell.layer is any KerasCell || cell.layer is UnknownLayer else {
        throw EngineError(.unsupported, "the cell \(cell.className) is none of Keras' own")
      }
      wrapped = cell
    case "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D":
      own = try ConvLSTMCell(config, reader)
      wrapped = nil
    default:
      var cell = try RecurrentCell(config, reader)
      cell.place = "cell"
      own = cell
      wrapped = nil
    }
  }

  var variables: [KerasVariable] { own?.variables ?? [] }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let made = try run(call, flips: goesBackwards)
    let mask = returnsSequences ? made.mask : nil
    let output = KerasValue.tensor(KerasTensor(made.output, mask: mask))
    return returnsState ? .list([output] + made.states.map { .id($0) }) : output
  }

  struct Result {
    var output: ValueID
    var states: [ValueID]
    var mask: ValueID?
  }

  /// - `flips`: whether sequences come in the order in which they were computed.
  func run(_ call: LayerCall, flips: Bool) throws(EngineError) -> Result {
    let given = try call.inputs("sequences")
    guard let x = given.first else { throw call.unsupported("it is called with nothing") }
    var states = given.dropFirst().map(\.id)
    if states.isEmpty, let initial = call.argument(1, "initial_state") {
      for tensor in initial.tensors { states.append(try call.cast(tensor).id) }
    }
    let mask = try call.maskArgument(2, "mask") ?? x.mask
    if mask == nil, let cell = own as? RecurrentCell ?? wrapped?.layer as? RecurrentCell,
      let fused = try FusedRecurrence(cell, weights(call))
    {
      return try fused.run(
        call, x.id, states, backwards: goesBackwards, sequences: returnsSequences, flips: flips)
    }
    guard let cell = own ?? wrapped?.layer as? any KerasCell else {
      throw call.unsupported("its cell cannot be converted")
    }
    let object = wrapped ?? call.object
    var made = try CellScan(cell, object, call).run(
      x.id, states, mask: mask, backwards: goesBackwards, sequences: returnsSequences,
      zeroesMasked: zeroesMasked)
    if returnsSequences, goesBackwards, !flips {
      made.output = try call.slice(made.output, axis: 1, from: -1, step: -1)
    }
    made.mask = mask
    return made
  }

  /// The call that weights of the cell are read through.
  func weights(_ call: LayerCall) -> LayerCall {
    guard let wrapped else { return call }
    return LayerCall(
      b: call.b, object: wrapped, arguments: [], keywords: [], outerType: call.dtype)
  }
}
