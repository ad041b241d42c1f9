import Graphs
import Operators
import Tensors

/// One run of an imported graph: operators through the tape, control flow as Swift's own.
struct ImportedRun {
  let states: [ValueID: StateTensor]
  /// What stands for nodes of the main graph, by their places.
  var layers: [Int: Layer]
  private let context = TapeContext.current

  init(states: [ValueID: StateTensor], layers: [Int: Layer]) {
    self.states = states
    self.layers = layers
  }

  /// The graph's outputs from what is known before.
  mutating func run(_ graph: Graph, _ known: [ValueID: Value]) throws -> [Value] {
    let own = layers
    layers = [:]
    defer { layers = own }
    var values = known
    for (id, t) in graph.initializers where values[id] == nil { values[id] = .tensor(t) }
    // A value is given up with the last node that takes it.
    var last: [ValueID: Int] = [:]
    for (i, node) in graph.nodes.enumerated() {
      for id in node.inputs.compactMap({ $0 }) + node.captured { last[id] = i }
    }
    for id in graph.outputs { last[id] = nil }
    for (i, node) in graph.nodes.enumerated() {
      do {
        let inputs = node.inputs.map { $0.flatMap { values[$0] } }
        let made: [Value?]
        if let layer = own[i] {
          made = [.tensor(try layer(tensor(inputs.first ?? nil)))]
        } else {
          made = try step(node, inputs, node.captured.map { values[$0] })
        }
        for (id, value) in zip(node.outputs, made) { if let id { values[id] = value } }
        for id in node.inputs.compactMap({ $0 }) + node.captured where last[id] == i {
          values[id] = nil
        }
      } catch let error as EngineError {
        throw error.at(node: graph.nodeName(i), operatorName: node.type)
      }
    }
    return try graph.outputs.map { id in
      guard let value = values[id] else {
        throw EngineError(.invalidModel, "the graph has no value '\(graph.name(id))'")
      }
      return value
    }
  }

  private func tensor(_ value: Value?) throws(EngineError) -> Tensor {
    guard let value else { throw EngineError(.arity, "an input is missing") }
    return try value.asTensor()
  }

  private func apply(
    _ op: any Operator, _ inputs: [Tensor?], outputs: Int = 1
  ) throws(EngineError) -> [Tensor] {
    try op.build(Taped(context: context), Few(inputs), outputs: outputs).array
  }

  private mutating func step(
    _ node: Graph.Node, _ inputs: [Value?], _ captured: [Value?]
  ) throws -> [Value?] {
    guard let op = node.op else { throw EngineError(.internalDefect, "a node without operator") }
    switch op {
    case let op as If: return try branch(op, inputs, captured)
    case let op as Loop: return try loop(op, inputs, captured)
    case let op as Scan: return try scan(op, inputs, captured)
    case let op as BatchNormalization where context.isTraining && !op.isTraining:
      return try normalize(op, node, inputs)
    case let op as Dropout where context.isTraining && op.trainingRatio == nil:
      return try drop(inputs)
    default: break
    }
    if inputs.contains(where: { if case .tensor? = $0 { false } else { $0 != nil } }) {
      throw EngineError(
        .unsupported, "sequences and optionals do not train",
        expected: "tensors", hint: "replace the node by a layer")
    }
    let list = try inputs.map { (v) throws(EngineError) in try v?.asTensor() }
    // Outputs that nobody takes may still stand between those that somebody does.
    let count = (node.outputs.lastIndex { $0 != nil } ?? 0) + 1
    return try apply(op, list, outputs: count).map { .tensor($0) }
  }

  /// Batch normalisation by the batch; its states take the new moments.
  private func normalize(
    _ op: BatchNormalization, _ node: Graph.Node, _ inputs: [Value?]
  ) throws -> [Value?] {
    let training = BatchNormalization(
      epsilon: op.epsilon, momentum: op.momentum, isTraining: true, isSpatial: op.isSpatial)
    let list = try inputs.map { (v) throws(EngineError) in try v?.asTensor() }
    let made = try apply(training, list, outputs: 3)
    for (k, i) in [3, 4].enumerated() {
      guard let id = node.inputs[i], let state = states[id] else { continue }
      state.value = context.capture == nil ? made[k + 1].detached() : made[k + 1]
    }
    return [.tensor(made[0])]
  }

  private func drop(_ inputs: [Value?]) throws -> [Value?] {
    let x = try tensor(inputs.first ?? nil)
    var rate = 0.5
    if inputs.count > 1, let given = inputs[1] { rate = try given.asTensor().asDouble(0) ?? rate }
    let y = try x.dropout(rate)
    return [.tensor(y), nil]
  }

  private func isTrue(_ value: Value?) throws(EngineError) -> Bool {
    guard let value else { return true }
    return try value.asTensor().rawBytes.first.map { $0 != 0 } ?? true
  }

  private func known(
    _ body: Graph, _ inputs: [Value?], _ captured: ArraySlice<Value?>
  ) -> [ValueID: Value] {
    var table: [ValueID: Value] = [:]
    for (id, value) in zip(body.inputs, inputs) { table[id] = value }
    for (id, value) in zip(body.captures, captured) { table[id] = value }
    return table
  }

  private mutating func branch(
    _ op: If, _ inputs: [Value?], _ captured: [Value?]
  ) throws -> [Value?] {
    let condition = try isTrue(inputs.first ?? nil)
    let first = (op.thenIsFirst ? op.thenBranch : op.elseBranch).graph.captures.count
    let body = (condition ? op.thenBranch : op.elseBranch).graph
    let part = condition == op.thenIsFirst ? captured.prefix(first) : captured.dropFirst(first)
    return try run(body, known(body, [], part))
  }

  private mutating func loop(
    _ op: Loop, _ inputs: [Value?], _ captured: [Value?]
  ) throws -> [Value?] {
    let body = op.body.graph
    let limit = try inputs.first.flatMap { $0 }.map { (v) throws(EngineError) in
      try v.asTensor().elements(Int64.self)[0]
    }
    var goesOn = try isTrue(inputs.count > 1 ? inputs[1] : nil)
    var carried = Array(inputs.dropFirst(2))
    var lists = [[Tensor]](
      repeating: [], count: max(0, body.outputs.count - 1 - carried.count))
    var i: Int64 = 0
    while goesOn, limit.map({ i < $0 }) ?? true {
      let head: [Value?] = [
        .tensor(try Tensor(scalar: i)), .tensor(try Tensor(scalar: goesOn)),
      ]
      let made = try run(body, known(body, head + carried, captured[...]))
      goesOn = try isTrue(made[0])
      carried = Array(made[1..<1 + carried.count])
      for (k, value) in made.dropFirst(1 + carried.count).enumerated() {
        lists[k].append(try value.asTensor())
      }
      i += 1
    }
    return try carried + lists.map { .tensor(try stacked($0, axis: 0)) }
  }

  private mutating func scan(
    _ op: Scan, _ inputs: [Value?], _ captured: [Value?]
  ) throws -> [Value?] {
    guard !op.isBatched else {
      throw EngineError(.unsupported, "Scan of opset 8, with sequence lengths")
    }
    let body = op.body.graph
    let states = inputs.count - op.scanInputs
    var carried = Array(inputs.prefix(states))
    let sources = try inputs.dropFirst(states).map(tensor)
    let axes = try sources.enumerated().map { (m, x) throws(EngineError) in
      try axis(op.inputAxes[m], rank: x.shape.rank)
    }
    let steps = sources.first.map { $0.shape[axes[0]] } ?? 0
    var lists = [[Tensor]](repeating: [], count: max(0, body.outputs.count - states))
    for t in 0..<steps {
      var slices: [Value?] = []
      for (m, x) in sources.enumerated() {
        let at = op.inputDirections[m] == 1 ? steps - 1 - t : t
        let place = try Tensor(scalar: Int64(at))
        slices.append(.tensor(try apply(Gather(axis: axes[m]), [x, place])[0]))
      }
      let made = try run(body, known(body, carried + slices, captured[...]))
      carried = Array(made[0..<states])
      for (k, value) in made.dropFirst(states).enumerated() {
        lists[k].append(try value.asTensor())
      }
    }
    var results = carried
    for (k, list) in lists.enumerated() {
      let ordered = op.outputDirections[k] == 1 ? list.reversed() : list
      let rank = (list.first?.shape.rank ?? 0) + 1
      results.append(
        .tensor(try stacked(ordered, axis: try axis(op.outputAxes[k], rank: rank))))
    }
    return results
  }

  private func axis(_ given: Int, rank: Int) throws(EngineError) -> Int {
    guard (-rank..<rank).contains(given) else {
      throw EngineError(
        .attribute, "an axis is out of range", expected: "\(-rank) to \(rank - 1)",
        received: "\(given)")
    }
    return given < 0 ? given + rank : given
  }

  private func stacked(_ list: [Tensor], axis: Int) throws(EngineError) -> Tensor {
    guard !list.isEmpty else {
      throw EngineError(.unsupported, "a loop without steps gives no results to train on")
    }
    var parts: [Tensor?] = []
    for t in list { parts.append(try apply(Unsqueeze(axes: [axis]), [t])[0]) }
    return try apply(Concat(axis: axis), parts)[0]
  }
}
