import Formats
import Graphs
import Operators
import Tensors

/// A recurrent layer in both directions, the results merged.
struct BidirectionalLayer: KerasLayer {
  let forward: KerasObject
  let backward: KerasObject
  /// Nil: both results are given.
  let merge: String?

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard let value = config["layer"] else {
      throw EngineError(.malformed, "'\(config.name)' wraps no layer")
    }
    let first = try KerasConfig(serialized: value)
    merge =
      config.members["merge_mode"] == .null
      ? nil : try config.choice("merge_mode", ["concat", "sum", "ave", "mul"], default: "concat")
    forward = try reader.child(first, at: "forward_layer")
    if let other = config["backward_layer"] {
      backward = try reader.child(other, at: "backward_layer")
    } else {
      backward = try reader.child(first.turnedBack(), at: "backward_layer")
    }
    for object in [forward, backward]
    where !(object.layer is KerasRecurrentLayer || object.layer is UnknownLayer) {
      throw EngineError(
        .unsupported, "the layer \(object.className) is no recurrent layer of Keras")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    guard let ahead = forward.layer as? KerasRecurrentLayer,
      let back = backward.layer as? KerasRecurrentLayer
    else { throw call.unsupported("its layers cannot be converted") }
    let given = try call.inputs("sequences")
    guard let x = given.first else { throw call.unsupported("it is called with nothing") }
    var states = given.dropFirst().map(\.id)
    if states.isEmpty, let initial = call.argument(1, "initial_state") {
      for tensor in initial.tensors { states.append(try call.cast(tensor).id) }
    }
    let mask = try call.maskArgument(2, "mask") ?? x.mask
    if mask == nil, let made = try fused(call, ahead, back, x.id, states) { return made }

    let half = states.count / 2
    func run(
      _ layer: KerasRecurrentLayer, _ object: KerasObject, _ states: [ValueID]
    ) throws(EngineError) -> KerasRecurrentLayer.Result {
      let outer = call.b.scope
      call.b.scope = "\(outer)/\(object.name)"
      defer { call.b.scope = outer }
      let inner = LayerCall(
        b: call.b, object: object, arguments: [.tensor(KerasTensor(x.id, mask: mask))],
        keywords: states.isEmpty ? [] : [("initial_state", .list(states.map { .id($0) }))],
        outerType: call.dtype)
      return try layer.run(inner, flips: false)
    }
    let one = try run(ahead, forward, Array(states.prefix(half)))
    let two = try run(back, backward, Array(states.dropFirst(half)))
    return try result(
      call, ahead, one.output, two.output, one.states + two.states,
      mask: ahead.returnsSequences ? mask : nil)
  }

  private func result(
    _ call: LayerCall, _ layer: KerasRecurrentLayer, _ one: ValueID, _ two: ValueID,
    _ states: [ValueID], mask: ValueID?
  ) throws(EngineError) -> KerasValue {
    func masked(_ id: ValueID) -> KerasValue { .tensor(KerasTensor(id, mask: mask)) }
    let outputs: [KerasValue]
    switch merge {
    case "sum": outputs = [masked(try call.add(one, two))]
    case "ave": outputs = [masked(try call.div(try call.add(one, two), 2))]
    case "mul": outputs = [masked(try call.mul(one, two))]
    case "concat": outputs = [masked(try call.concat([one, two], axis: -1))]
    default: outputs = [masked(one), masked(two)]
    }
    let all = outputs + (layer.returnsState ? states.map { .id($0) } : [])
    return all.count == 1 ? all[0] : .list(all)
  }

  /// Both directions in one operator, where they are alike.
  private func fused(
    _ call: LayerCall, _ ahead: KerasRecurrentLayer, _ back: KerasRecurrentLayer, _ x: ValueID,
    _ states: [ValueID]
  ) throws(EngineError) -> KerasValue? {
    func inner(_ layer: KerasRecurrentLayer, _ object: KerasObject) -> LayerCall {
      layer.weights(
        LayerCall(
          b: call.b, object: object, arguments: [], keywords: [], outerType: call.dtype))
    }
    guard let first = ahead.own as? RecurrentCell ?? ahead.wrapped?.layer as? RecurrentCell,
      let second = back.own as? RecurrentCell ?? back.wrapped?.layer as? RecurrentCell,
      first.usesBias == second.usesBias, !ahead.goesBackwards, back.goesBackwards,
      let one = try FusedRecurrence(first, inner(ahead, forward)),
      let two = try FusedRecurrence(second, inner(back, backward)), one.fits(two)
    else { return nil }
    let made = try one.apply(call, x, states, direction: .bidirectional, two)
    var ends: [[ValueID]] = []
    for state in made.dropFirst() {
      let parts = try call.split(state, axis: 0, [1, 1])
      ends.append([try call.squeeze(parts[0], [0]), try call.squeeze(parts[1], [0])])
    }
    let all = [0, 1].flatMap { d in ends.map { $0[d] } }
    if ahead.returnsSequences {
      if merge == "concat", let n = first.units as Int? {
        // [T, 2, N, H] as [N, T, 2 H].
        let turned = try call.transpose(made[0], [2, 0, 1, 3])
        let dims = try call.dims(turned)
        let y = try call.reshape(turned, dims: [dims[0], dims[1], Dim(2 * n)], like: [x])
        return ahead.returnsState ? .list([.id(y)] + all.map { .id($0) }) : .id(y)
      }
      let parts = try call.split(made[0], axis: 1, [1, 1])
      func laid(_ y: ValueID) throws(EngineError) -> ValueID {
        try call.transpose(try call.squeeze(y, [1]), [1, 0, 2])
      }
      return try result(
        call, ahead, try laid(parts[0]), try laid(parts[1]), all, mask: nil)
    }
    return try result(call, ahead, ends[0][0], ends[0][1], all, mask: nil)
  }
}

extension KerasConfig {
  /// The same layer in the other direction, as Keras makes it where a file has only one.
  fileprivate func turnedBack() throws(EngineError) -> KerasConfig {
    var turned = JSONObject()
    let backwards = try bool("go_backwards", default: false)
    for (key, value) in zip(members.keys, members.values) where key != "go_backwards" {
      turned.append(key, key == "name" ? .string("backward_\(name)") : value)
    }
    turned.append("go_backwards", .bool(!backwards))
    return KerasConfig(className: className, members: turned)
  }
}
