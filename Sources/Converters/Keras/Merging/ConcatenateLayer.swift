import Graphs
import Operators
import Tensors

/// Inputs one behind the other along an axis.
struct ConcatenateLayer: KerasLayer {
  let axis: Int

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    axis = try config.int("axis", default: -1)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let inputs = try call.inputs()
    guard let first = inputs.first else { throw call.unsupported("it joins nothing") }
    let rank = try call.rank(first.id)
    let place = try call.axis(axis, rank: rank)
    let y = try call.joined(inputs.map(\.id), axis: place)
    guard inputs.contains(where: { $0.mask != nil }) else { return .id(y) }
    return .tensor(KerasTensor(y, mask: try mask(inputs, place, rank, call)))
  }

  /// Inputs without a mask count as a whole; a step counts where any of its elements does.
  private func mask(
    _ inputs: [KerasTensor], _ place: Int, _ rank: Int, _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    var parts: [ValueID] = []
    for x in inputs {
      let ones = try call.b.apply(Equal(), x.id, x.id)
      guard let mask = x.mask else {
        parts.append(ones)
        continue
      }
      let dims = try call.dims(x.id)
      let grown =
        try call.rank(mask) < rank ? try call.unsqueeze(mask, [rank - 1]) : mask
      let shape = try call.shape(dims, like: [x.id])
      parts.append(try call.b.apply(Expand(), grown, shape))
    }
    let whole = try call.cast(try call.concat(parts, axis: place), to: .float32)
    let any = try call.reduce(ReduceMax.self, whole, [-1])
    return try call.b.apply(Greater(), any, try call.b.scalar(Float(0.5)))
  }
}

extension LayerCall {
  /// A concatenation, channels first where all inputs come from there.
  func joined(_ list: [ValueID], axis place: Int) throws(EngineError) -> ValueID {
    let firsts = list.compactMap { b.channelsFirstTwin($0) }
    guard firsts.count == list.count, let first = list.first else {
      return try concat(list, axis: place)
    }
    let rank = try rank(first)
    let turned = place == 0 ? 0 : place == rank - 1 ? 1 : place + 1
    return try b.channelsLast(try concat(firsts, axis: turned))
  }
}
