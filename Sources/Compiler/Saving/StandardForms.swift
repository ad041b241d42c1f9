import Graphs
import Operators
import Tensors

// What standard operators stand for in opsets that lack them, or lack some of what they do.

extension Speller {
  /// One error for all nodes without a form.
  static func summary(_ errors: [EngineError], _ first: EngineError) -> EngineError {
    guard errors.count > 1 else { return first }
    var places: [(what: String, nodes: [String])] = []
    for error in errors {
      let what = error.subject.operatorName ?? "?"
      let node = error.subject.node ?? "?"
      if let i = places.firstIndex(where: { $0.what == what }) {
        places[i].nodes.append(node)
      } else {
        places.append((what, [node]))
      }
    }
    let list = places.map { place -> String in
      let shown = place.nodes.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
      let rest = place.nodes.count > 3 ? " and \(place.nodes.count - 3) more" : ""
      return "\(place.what) (at \(shown)\(rest))"
    }
    return EngineError(
      .unsupported,
      "\(errors.count) nodes have no form in the opset to be written: "
        + list.joined(separator: ", "), expected: first.expected)
  }

  /// The node with the attributes that say before opset 7 what goes without saying since.
  func flagged(_ node: Graph.Node, _ op: any Operator) -> Graph.Node {
    guard let version = opsets[""], version < 7, original >= version, node.domain.isEmpty else {
      return node
    }
    var node = node
    switch op {
    case let op as BatchNormalization where !op.isTraining && original >= 7:
      node.attributes.append(.bool("is_test", true))
    case let op as Cast where version < 6:
      let names: [DType: String] = [.float32: "FLOAT", .float64: "DOUBLE"]
      node.attributes = [.string("to", names[op.to] ?? "\(op.to)".uppercased())]
    case is Dropout where original >= 7: node.attributes.append(.bool("is_test", true))
    case is Gemm where original >= 7: node.attributes.append(.bool("broadcast", true))
    default: break
    }
    return node
  }

  /// Whether an opset of ai.onnx has the operator for others than ONNX Runtime, which had some in that
  /// domain before the standard did.
  func isStandard(_ node: Graph.Node, in version: Int) -> Bool {
    let since = ["LayerNormalization": 17]
    guard node.domain.isEmpty, let first = since[node.type] else { return true }
    return version >= first
  }

  /// Whether an opset has the operator for the element type of input 0. What the model's own opset
  /// did not have either is left to its readers.
  func hasType(_ node: Graph.Node, in version: Int) -> Bool {
    guard node.domain.isEmpty || node.domain == "ai.onnx",
      let id = node.inputs.first.flatMap({ $0 }), graph.values.indices.contains(id.index),
      let dtype = graph.values[id.index].fact.dtype
    else { return true }
    return ElementTypesOfVersions.allows(dtype, node.type, opset: version)
      || !ElementTypesOfVersions.allows(dtype, node.type, opset: original)
  }

  /// The node with its axes counted from the front, as they are before opset 11.
  func withAxesFromTheFront(_ node: Graph.Node) -> Graph.Node {
    guard let version = opsets[""], version < 11, original >= 11,
      node.domain.isEmpty || node.domain == "ai.onnx"
    else { return node }
    func rank(_ id: ValueID?) -> Int? { id.flatMap { graph.values[$0.index].fact.rank } }
    let own = node.type == "Unsqueeze" ? node.outputs.first : node.inputs.first
    guard let rank = rank(own.flatMap { $0 }) else { return node }
    var front = node
    var isChanged = false
    for k in front.attributes.indices where ["axis", "axes"].contains(front.attributes[k].name) {
      switch front.attributes[k].payload {
      case .int(let axis) where axis < 0:
        front.attributes[k].payload = .int(axis + Int64(rank))
        isChanged = true
      case .ints(let list) where list.contains(where: { $0 < 0 }):
        front.attributes[k].payload = .ints(list.map { $0 < 0 ? $0 + Int64(rank) : $0 })
        isChanged = true
      default: break
      }
    }
    guard isChanged else { return node }
    front.op = nil
    guard let made = try? lookup.make(front, version), hasSameResults(front, made) else {
      return node
    }
    front.op = made
    return front
  }

  /// The node without attributes that the opset does not know and that say nothing.
  func withoutDefaults(_ node: Graph.Node, _ op: any Operator) -> Graph.Node? {
    func isDefault(_ a: Attribute) -> Bool {
      switch (a.name, a.payload) {
      case ("dilations", .ints(let list)): list.allSatisfy { $0 == 1 }
      case ("ceil_mode", .int(let v)), ("storage_order", .int(let v)),
        ("count_include_pad", .int(let v)), ("allowzero", .int(let v)):
        v == 0
      default: false
      }
    }
    var plain = node
    plain.op = nil
    plain.opset = nil
    plain.attributes.removeAll { isDefault($0) }
    guard plain.attributes.count < node.attributes.count, let version = opsets[""],
      isStandard(node, in: version), hasType(node, in: version),
      let made = try? lookup.make(plain, version),
      type(of: made) == type(of: op),
      haveSameAttributes(
        made.attributes.filter { !isDefault($0) }, op.attributes.filter { !isDefault($0) })
    else { return nil }
    plain.op = made
    return plain
  }

  /// The values that the operator's results are, built of others; nil where there is no such form.
  func standardForm(
    of op: any Operator, _ node: Graph.Node, _ b: GraphBuilder, _ ids: [ValueID?]
  ) throws(EngineError) -> [ValueID]? {
    guard let version = opsets[""], node.domain.isEmpty || node.domain == "ai.onnx" else {
      return nil
    }
    let x = ids.first.flatMap { $0 }
    if let op = op as? any BinaryElementwise, let x, ids.count == 2, let y = ids[1],
      let z = try broadcast(op, node, b, x, y, version)
    {
      return [z]
    }
    switch op {
    case is GreaterOrEqual: return try either(Greater(), b, ids)
    case is LessOrEqual: return try either(Less(), b, ids)
    case let op as Dropout where node.outputs.count == 1 && op.trainingRatio == nil:
      return try dropout(op, node, b, ids, version)
    case is HardSwish:
      guard let x else { return nil }
      return [try b.apply(Mul(), x, b.apply(HardSigmoid(alpha: 1 / 6, beta: 0.5), x))]
    case is Mish:
      guard let x else { return nil }
      return [try b.apply(Mul(), x, b.apply(Tanh(), b.apply(Softplus(), x)))]
    case let op as Gelu: return try x.map { (x) throws(EngineError) in [try gelu(op, b, x)] }
    case let op as Celu: return try x.map { (x) throws(EngineError) in [try celu(op, b, x)] }
    case let op as CastLike:
      guard let x, let like = ids.last.flatMap({ $0 }), let to = b.fact(of: like).dtype else {
        return nil
      }
      return [try b.apply(Cast(to: to, saturate: op.saturate, rounding: op.rounding), x)]
    case is Softmax, is LogSoftmax, is Hardmax:
      return try x.flatMap { (x) throws(EngineError) in try softmax(op, b, x, version) }
    case let op as ShapeOp where version < 15:
      guard let x, let rank = b.fact(of: x).rank else { return nil }
      func clamped(_ axis: Int) -> Int { min(max(axis < 0 ? axis + rank : axis, 0), rank) }
      let (first, last) = (clamped(op.start), clamped(op.end ?? rank))
      let cut = Slice(starts: [first], ends: [max(first, last)], axes: [0])
      return [try b.apply(cut, b.apply(ShapeOp(), x))]
    case let op as FormulaForm:
      return try op.formula(b, Few(ids), outputs: node.outputs.count).array
    default: return try movement(of: op, node, b, ids, version)
    }
  }

  typealias FormulaForm = any FormulaGradient

  /// Dropout that drops nothing; its ratio is an attribute before opset 12 and an input since.
  private func dropout(
    _ op: Dropout, _ node: Graph.Node, _ b: GraphBuilder, _ ids: [ValueID?], _ version: Int
  ) throws(EngineError) -> [ValueID]? {
    guard let x = ids.first.flatMap({ $0 }), ids.count < 3 || ids[2] == nil else { return nil }
    var ratio: Float?
    for case let a in node.attributes where a.name == "ratio" {
      if case .float(let value) = a.payload { ratio = value }
    }
    if ids.count > 1, let id = ids[1] {
      guard let tensor = b.fact(of: id).constant, let value = tensor.asDouble(0) else { return nil }
      ratio = Float(value)
    }
    if version >= 12 {
      guard let ratio, ratio != 0.5 else { return [try b.apply(Dropout(seed: op.seed), x)] }
      return [try b.apply(Dropout(seed: op.seed), x, b.constant(Tensor(scalar: ratio)))]
    }
    var plain = Graph.Node(type: "Dropout", inputs: [nil], outputs: [nil])
    if let ratio { plain.attributes.append(.float("ratio", ratio)) }
    if version < 7 { plain.attributes.append(.bool("is_test", true)) }
    guard let made = try? lookup.make(plain, version) else { return nil }
    return try made.build(b, Few(x), outputs: 1).array
  }

  /// `A > B or A = B`, which is no more than `A >= B`: both are false for NaN.
  private func either<Op: Operator>(
    _ op: Op, _ b: GraphBuilder, _ ids: [ValueID?]
  ) throws(EngineError) -> [ValueID]? {
    guard ids.count == 2, let x = ids[0], let y = ids[1] else { return nil }
    return [try b.apply(Or(), b.apply(op, x, y), b.apply(Equal(), x, y))]
  }

  /// `x Phi(x)`, or its approximation by tanh.
  private func gelu(_ op: Gelu, _ b: GraphBuilder, _ x: ValueID) throws(EngineError) -> ValueID {
    let half = try b.scaled(x, by: 0.5)
    var inner: ValueID
    if op.isTanh {
      let cube = try b.apply(Mul(), x, b.apply(Mul(), x, x))
      inner = try b.apply(Add(), x, b.scaled(cube, by: 0.044715))
      inner = try b.apply(Tanh(), b.scaled(inner, by: 0.797_884_560_802_865_4))
    } else {
      inner = try b.apply(Erf(), b.scaled(x, by: 0.707_106_781_186_547_5))
    }
    return try b.apply(Add(), half, b.apply(Mul(), half, inner))
  }

  /// `max(0, x) + min(0, alpha (exp(x / alpha) - 1))`, the second part an Elu of `x / alpha`.
  private func celu(_ op: Celu, _ b: GraphBuilder, _ x: ValueID) throws(EngineError) -> ValueID {
    let scaled = try b.apply(Elu(), b.scaled(x, by: 1 / op.alpha))
    return try b.scaled(scaled, by: op.alpha)
  }

  // MARK: Softmax

  /// The function along one axis or along all that follow, by the one that the opset has.
  private func softmax(
    _ op: any Operator, _ b: GraphBuilder, _ x: ValueID, _ version: Int
  ) throws(EngineError) -> [ValueID]? {
    let (axis, make): (SoftmaxAxis, (SoftmaxAxis) -> any Operator)
    switch op {
    case let op as Softmax: (axis, make) = (op.axis, { Softmax($0) })
    case let op as LogSoftmax: (axis, make) = (op.axis, { LogSoftmax($0) })
    case let op as Hardmax: (axis, make) = (op.axis, { Hardmax($0) })
    default: return nil
    }
    let flattens = version < 13
    guard axis.flattens != flattens, let dims = b.fact(of: x).dims, !dims.isEmpty else {
      return nil
    }
    let rank = dims.count
    let place = axis.axis < 0 ? axis.axis + rank : axis.axis
    guard (0...rank).contains(place) else { return nil }
    func apply(_ op: any Operator, _ x: ValueID) throws(EngineError) -> ValueID {
      try op.build(b, Few(x), outputs: 1)[0]
    }
    if place == rank - 1 {
      return [try apply(make(SoftmaxAxis(rank - 1, flattens: flattens)), x)]
    }
    let wide = (place..<rank).filter { dims[$0] != 1 }
    if !flattens, place < rank, wide.count < 2 {
      // Axes of one element do not count.
      return [try apply(make(SoftmaxAxis(wide.first ?? place)), x)]
    }
    if flattens {
      // The axis and the last one change places.
      var perm = Array(0..<rank)
      perm.swapAt(place, rank - 1)
      let turned = try b.apply(Transpose(perm: perm), x)
      let y = try apply(make(SoftmaxAxis(rank - 1, flattens: true)), turned)
      return [try b.apply(Transpose(perm: perm), y)]
    }
    let rows = try b.apply(Flatten(axis: place), x)
    let y = try apply(make(SoftmaxAxis(1)), rows)
    return [try b.apply(Reshape(), y, b.apply(ShapeOp(), x))]
  }
}
