import Graphs
import Tensors

/// Runs a graph over slices of its inputs, carrying state from slice to slice.
///
/// - `initial_state_and_scan_inputs`: N states, then M inputs that are cut along their scan axes.
/// - `body`: takes N states and M slices; gives N states and K slices.
/// - Outputs: N final states, then K outputs stacked along their scan axes.
/// - Opset 8 has a batch axis in front of everything and optional sequence lengths as first
///   input; from 9 on axes and directions are attributes.
/// - Errors: `.shape` when scan inputs differ in length; `.attribute` for bad axes.
/// - Gradient: in graphs, by states, scan inputs and captured values, from opset 9 on; the scan
///   runs once more and keeps its states.
/// - Source: ONNX Scan 8, 9, 11, 16, 19, 21, 23, 24, 25.
public struct Scan: Operator {
  public let body: Subgraph
  public let scanInputs: Int
  public let inputAxes: [Int]
  public let inputDirections: [Int]
  public let outputAxes: [Int]
  public let outputDirections: [Int]
  /// Whether inputs carry a batch axis and the first input holds sequence lengths (opset 8).
  public let isBatched: Bool

  public static let schema = Schema(
    "Scan", versions: [8, 9, 11, 16, 19, 21, 23, 24, 25],
    inputs: [.variadic("initial_state_and_scan_inputs", .all, "")],
    outputs: [.variadic("final_state_and_scan_outputs", .all, "")],
    attributes: [
      AttributeSpec("body", .graph, "one step"),
      AttributeSpec("num_scan_inputs", .int, "M, at least 1"),
      AttributeSpec("scan_input_axes", .ints, "M axes to cut along; default 0", since: 9),
      AttributeSpec(
        "scan_input_directions", .ints, "M times 0 forward or 1 backward; default 0", since: 9),
      AttributeSpec("scan_output_axes", .ints, "K axes to stack along; default 0", since: 9),
      AttributeSpec(
        "scan_output_directions", .ints, "K times 0 append or 1 prepend; default 0", since: 9),
      AttributeSpec("directions", .ints, "opset 8's name of scan_input_directions", before: 9),
    ],
    inputCounts: [8: 2...Int.max, 9: 1...Int.max],
    isDifferentiable: true,
    cases: { [] })

  init(
    body: Graph, scanInputs: Int, inputAxes: [Int], inputDirections: [Int], outputAxes: [Int],
    outputDirections: [Int]
  ) {
    self.body = Subgraph(body)
    self.scanInputs = scanInputs
    self.inputAxes = inputAxes
    self.inputDirections = inputDirections
    self.outputAxes = outputAxes
    self.outputDirections = outputDirections
    isBatched = false
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    body = Subgraph(try a.graph("body"))
    isBatched = a.opset < 9
    scanInputs = try a.int("num_scan_inputs")
    let states = a.inputCount - (isBatched ? 1 : 0) - scanInputs
    guard scanInputs >= 1, states >= 0, body.graph.inputs.count == states + scanInputs,
      body.graph.outputs.count >= states
    else {
      throw EngineError(
        .invalidModel, "the body does not fit num_scan_inputs",
        expected: "as many inputs as states and scan inputs",
        received: "\(body.graph.inputs.count) with \(scanInputs) scan inputs of \(a.inputCount)")
    }
    let outputs = body.graph.outputs.count - states
    let directions = isBatched ? "directions" : "scan_input_directions"
    inputAxes = try Self.list(a, "scan_input_axes", scanInputs)
    inputDirections = try Self.list(a, directions, scanInputs)
    outputAxes = try Self.list(a, "scan_output_axes", outputs)
    outputDirections = try Self.list(a, "scan_output_directions", outputs)
  }

  private static func list(
    _ a: AttributeReader, _ name: String, _ count: Int
  ) throws(EngineError) -> [Int] {
    let v = try a.ints(name, default: [Int](repeating: 0, count: count))
    guard v.count == count else {
      throw EngineError(
        .attribute, "attribute '\(name)' has the wrong length", expected: "\(count)",
        received: "\(v.count)")
    }
    return v
  }

  public var attributes: [Attribute] {
    [
      .graph("body", body.graph), .int("num_scan_inputs", scanInputs),
      .ints("scan_input_axes", inputAxes), .ints("scan_input_directions", inputDirections),
      .ints("scan_output_axes", outputAxes), .ints("scan_output_directions", outputDirections),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if isBatched {
      return body.graph.outputs.map { id in
        Fact(body.graph.values[id.index].fact.dtype, nil)
      }
    }
    let states = c.inputs.count - scanInputs
    var inputs: [Fact?] = (0..<states).map { contentsForgotten(c.fact($0)) }
    var length: Dim?
    for m in 0..<scanInputs {
      let fact = c.fact(states + m)
      guard var dims = fact?.dims else {
        inputs.append(Fact(fact?.dtype, nil))
        continue
      }
      let axis = try normalisedAxis(inputAxes[m], rank: dims.count, name: "scan_input_axes")
      let n = dims.remove(at: axis)
      if length == nil || n.known != nil { length = n }
      inputs.append(Fact(fact?.dtype, dims))
    }
    let results = try c.subgraph(body.graph, inputs, c.captured)
    var outputs: [Fact] = []
    for (i, fact) in results.enumerated() {
      if i < states {
        outputs.append(Fact(fact.type))
        continue
      }
      guard var dims = fact.dims else {
        outputs.append(Fact(fact.dtype, nil))
        continue
      }
      let axis = try normalisedAxis(
        outputAxes[i - states], rank: dims.count + 1, name: "scan_output_axes")
      dims.insert(length ?? c.unknown(), at: axis)
      outputs.append(Fact(fact.dtype, dims))
    }
    return outputs
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    if !isBatched { return try scan(e.inputs, length: nil, e) }
    // Opset 8: each batch row is a scan of its own, results stacked along the batch axis.
    guard e.inputs.count > 1, let first = e.inputs[1] else {
      throw EngineError(.arity, "Scan needs states or scan inputs")
    }
    let batch = try first.asTensor().shape
    let rows = batch.rank > 0 ? batch[0] : 0
    let lengths = try e.optionalTensor(0)
    var stacks = [Stack](repeating: Stack(), count: body.graph.outputs.count)
    for b in 0..<rows {
      var inputs: [Value?] = []
      for i in 1..<e.inputs.count {
        inputs.append(.tensor(try slice(try e.tensor(i), axis: 0, at: b, e)))
      }
      var length: Int?
      if let lengths {
        guard b < lengths.count else {
          throw EngineError(.shape, "sequence_lens has too few elements")
        }
        length = Int(lengths.elements(Int64.self)[b])
      }
      for (k, v) in try scan(inputs, length: length, e).enumerated() {
        guard let v else { continue }
        let states = inputs.count - scanInputs
        guard length != nil, k >= states, let whole = try inputs[states]?.asTensor().shape else {
          try stacks[k].append(try v.asTensor(), e)
          continue
        }
        try stacks[k].append(try lengthened(try v.asTensor(), to: whole[0], e), e)
      }
    }
    var outputs: [Value?] = []
    for (k, s) in stacks.enumerated() {
      let id = body.graph.outputs[k]
      outputs.append(.tensor(try s.stacked(e, emptyLike: body.graph.values[id.index].fact)))
    }
    return outputs
  }

  private func scan(
    _ inputs: [Value?], length: Int?, _ e: Evaluation
  ) throws(EngineError) -> [Value?] {
    guard let runner = e.runner else {
      throw EngineError(.unsupported, "a graph cannot run here")
    }
    let states = inputs.count - scanInputs
    var sources: [(tensor: Tensor, axis: Int)] = []
    var steps = length
    for m in 0..<scanInputs {
      guard let v = inputs[states + m] else {
        throw EngineError(.arity, "scan input \(m) is missing")
      }
      let t = try v.asTensor()
      let axis = try normalisedAxis(inputAxes[m], rank: t.shape.rank, name: "scan_input_axes")
      if length == nil, let steps, steps != t.shape[axis] {
        throw EngineError(
          .shape, "scan inputs differ in length", expected: "\(steps)",
          received: "\(t.shape[axis]) for scan input \(m)")
      }
      if let length, length > t.shape[axis] || length < 0 {
        throw EngineError(
          .value, "a sequence length is out of range", expected: "0 to \(t.shape[axis])",
          received: "\(length)")
      }
      steps = steps ?? t.shape[axis]
      sources.append((t, axis))
    }
    var carried = Array(inputs.prefix(states))
    let outputs = body.graph.outputs.count - states
    let count = steps ?? 0
    var stacks = [Stack](repeating: Stack(expecting: count), count: outputs)
    // Types that the body could not be bound for.
    var refused: [TensorType]?
    var step = 0
    while step < count {
      if let types = tensorTypes(carried), types != refused {
        let rest = step..<count
        if try runBound(types, &carried, sources, &stacks, rest, of: count, runner, e) { break }
        refused = types
      }
      try runner.checkCancellation()
      var arguments = carried
      for (m, source) in sources.enumerated() {
        let at = inputDirections[m] == 0 ? step : count - 1 - step
        arguments.append(.tensor(try slice(source.tensor, axis: source.axis, at: at, e)))
      }
      let results = try runner.run(body, inputs: arguments, captured: e.captured)
      carried = Array(results.prefix(states))
      for k in 0..<outputs {
        guard states + k < results.count, let v = results[states + k] else {
          throw EngineError(.invalidModel, "the body gave no output \(states + k)")
        }
        try stacks[k].append(try v.asTensor(), e)
      }
      step += 1
    }
    var all = carried
    for k in 0..<outputs {
      let id = body.graph.outputs[states + k]
      all.append(
        .tensor(
          try stacks[k].stacked(
            e, emptyLike: body.graph.values[id.index].fact, axis: outputAxes[k],
            reversed: outputDirections[k] == 1)))
    }
    return all
  }

  /// Runs the steps in `range` with the body bound to memory. False where the body must run on
  /// values.
  private func runBound(
    _ states: [TensorType], _ carried: inout [Value?], _ sources: [(tensor: Tensor, axis: Int)],
    _ stacks: inout [Stack], _ range: Range<Int>, of count: Int, _ runner: any GraphRunner,
    _ e: Evaluation
  ) throws(EngineError) -> Bool {
    var types = states
    for source in sources {
      var dims = source.tensor.shape.array
      dims.remove(at: source.axis)
      let type = TensorType(source.tensor.dtype, Shape(dims))
      guard type.dtype != .string, type.dtype.byteSize > 0 else { return false }
      types.append(type)
    }
    guard let bound = try runner.bind(body, inputs: types, captured: e.captured),
      bound.outputTypes.count == states.count + stacks.count,
      var values = try CarriedValues(carried, in: bound, firstInput: 0, firstOutput: 0, e)
    else { return false }
    // With the scan axis first a step's slice is where it is.
    var firsts: [Tensor] = []
    for source in sources {
      firsts.append(try source.axis == 0 ? source.tensor : axisFirst(source.tensor, source.axis, e))
    }
    for step in range {
      try runner.checkCancellation()
      for m in firsts.indices {
        let at = inputDirections[m] == 0 ? step : count - 1 - step
        let offset = at * types[states.count + m].byteCount
        bound.bindInput(states.count + m, firsts[m].storage.bytes + offset)
      }
      for k in stacks.indices {
        let type = bound.outputTypes[states.count + k]
        bound.bindOutput(states.count + k, try stacks[k].next(type, e))
      }
      if step > range.lowerBound { try values.advance() }
      try bound.run()
    }
    carried = values.written
    return true
  }

  /// The tensor with `axis` moved to the front.
  private func axisFirst(
    _ t: Tensor, _ axis: Int, _ e: Evaluation
  ) throws(EngineError) -> Tensor {
    var stack = Stack(expecting: t.shape[axis])
    for at in 0..<t.shape[axis] { try stack.append(try slice(t, axis: axis, at: at, e), e) }
    return try stack.stacked(e, emptyLike: Fact(t.type))
  }

  /// What a scan of a shorter sequence gave, with zeros up to `length` steps.
  private func lengthened(
    _ t: Tensor, to length: Int, _ e: Evaluation
  ) throws(EngineError) -> Tensor {
    guard t.shape.rank > 0, t.shape[0] < length else { return t }
    var dims = t.shape.array
    dims[0] = length
    let shape = Shape(dims)
    if t.dtype == .string {
      let missing = shape.count - t.count
      return Tensor(Storage(shape, strings: t.strings + [String](repeating: "", count: missing)))
    }
    let type = TensorType(t.dtype, shape)
    let out = try e.allocate(type)
    out.bytes.copyMemory(from: t.storage.bytes, byteCount: t.byteCount)
    (out.bytes + t.byteCount).initializeMemory(
      as: UInt8.self, repeating: 0, count: type.byteCount - t.byteCount)
    return Tensor(out)
  }

  /// The slice at `at` along `axis`, the axis removed.
  private func slice(
    _ t: Tensor, axis: Int, at: Int, _ e: Evaluation
  ) throws(EngineError) -> Tensor {
    var dims = t.shape.array
    let n = dims.remove(at: axis)
    let outer = t.shape.count(of: 0..<axis)
    let inner = t.shape.count(of: (axis + 1)..<t.shape.rank)
    if t.dtype == .string {
      var strings: [String] = []
      for o in 0..<outer {
        let start = (o * n + at) * inner
        strings += t.strings[start..<(start + inner)]
      }
      return Tensor(Storage(Shape(dims), strings: strings))
    }
    let size = inner * t.dtype.byteSize
    guard t.dtype.byteSize > 0 else {
      throw EngineError(.dtype, "packed elements cannot be cut", received: "\(t.type)")
    }
    let out = try e.allocate(TensorType(t.dtype, Shape(dims)))
    for o in 0..<outer {
      (out.bytes + o * size).copyMemory(
        from: t.storage.bytes + (o * n + at) * size, byteCount: size)
    }
    return Tensor(out)
  }
}
