import Graphs
import Tensors

/// Runs a graph again and again: `for` and `while` in one.
///
/// - `M`: int64 scalar, the most iterations; absent for no limit. `cond`: bool scalar, whether to
///   go on; absent for true. `v_initial...`: values carried from iteration to iteration.
/// - `body`: takes the iteration number, the condition and the carried values; gives the
///   condition, the carried values, and any number of scan outputs.
/// - Outputs: the final carried values, then each scan output stacked along a new first axis.
/// - Errors: `.budget` after 2^31 iterations without a limit.
/// - Gradient: in graphs, by carried and captured values, whose sizes must not change from step to
///   step; the loop runs once more and keeps what it carries.
/// - Source: ONNX Loop 1, 11, 13, 16, 19, 21, 23, 24, 25.
public struct Loop: Operator {
  public let body: Subgraph

  public static let schema = Schema(
    "Loop", versions: [1, 11, 13, 16, 19, 21, 23, 24, 25],
    inputs: [
      .optional("M", .int64, "I"), .optional("cond", .bool, "B"),
      .variadic("v_initial", .all, "", containers: true),
    ],
    outputs: [.variadic("v_final_and_scan_outputs", .all, "", containers: true)],
    attributes: [AttributeSpec("body", .graph, "one iteration")],
    inputCounts: [1: 3...Int.max, 11: 2...Int.max],
    isDifferentiable: true,
    cases: { [] })

  public init(reading a: AttributeReader) throws(EngineError) {
    body = Subgraph(try a.graph("body"))
    let carried = max(0, a.inputCount - 2)
    guard body.graph.inputs.count == carried + 2, body.graph.outputs.count >= carried + 1 else {
      throw EngineError(
        .invalidModel, "the body does not fit the number of carried values",
        expected: "\(carried + 2) inputs and at least \(carried + 1) outputs",
        received: "\(body.graph.inputs.count) and \(body.graph.outputs.count)")
    }
  }

  /// `body` takes the iteration's number, the condition and what is carried, and gives the
  /// condition, what is carried and what is collected.
  public init(body: Graph) { self.body = Subgraph(body) }

  public var attributes: [Attribute] { [.graph("body", body.graph)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let carried = max(0, c.inputs.count - 2)
    let (inputs, results) = try settled(c, carried)
    guard results.count >= carried + 1 else { return results }
    var outputs: [Fact] = []
    for i in 0..<carried {
      let before = inputs[i + 2] ?? results[i + 1]
      outputs.append(merged(before, Fact(results[i + 1].type)))
    }
    let trips = c.ints(0)?.first.map { Dim(max(0, $0)) } ?? c.unknown()
    for fact in results.dropFirst(carried + 1) {
      let count: Dim = c.has(1) || c.constant(0) == nil ? c.unknown() : trips
      outputs.append(Fact(fact.dtype, fact.dims.map { [count] + $0 }))
    }
    return outputs
  }

  /// What holds of the body's inputs in every iteration, and its results then. A carried value keeps
  /// the sizes that it starts with where the body, given these, gives them again; all else of its
  /// sizes is unknown.
  private func settled(
    _ c: Inference, _ carried: Int
  ) throws(EngineError) -> (inputs: [Fact?], results: [Fact]) {
    // What a body captures is the same in every iteration, its contents too.
    let captured = c.captured
    let first: [Fact?] = [Fact(.int64, []), Fact(.bool, [])]
    var inputs = first + (0..<carried).map { contentsForgotten(c.fact($0 + 2)) }
    for _ in 0..<Self.mostRounds {
      // What fails with the first sizes may never run.
      guard let results = try? c.subgraph(body.graph, inputs, captured),
        results.count >= carried + 1
      else { break }
      var isSettled = true
      for i in 0..<carried {
        guard let before = inputs[i + 2] else { continue }
        let both = Self.common(before, results[i + 1], c)
        if both.type == before.type { continue }
        inputs[i + 2] = both
        isSettled = false
      }
      if isSettled { return (inputs, results) }
    }
    inputs = first + (0..<carried).map { c.fact($0 + 2).map { Self.sizesForgotten($0, c) } }
    return (inputs, try c.subgraph(body.graph, inputs, captured))
  }

  /// Sizes that are found out one after the other settle within as many passes over the body.
  private static let mostRounds = 4

  private static func common(_ a: Fact, _ b: Fact, _ c: Inference) -> Fact {
    guard case .tensor(let d, let x?) = a.type, case .tensor(let e, let y?) = b.type, d == e,
      x.count == y.count
    else { return merged(Fact(a.type), Fact(b.type)) }
    return Fact(d, x.indices.map { x[$0] == y[$0] ? x[$0] : c.unknown() })
  }

  private static func sizesForgotten(_ fact: Fact, _ c: Inference) -> Fact {
    guard case .tensor(let d, let dims?) = fact.type else { return Fact(fact.type) }
    return Fact(d, c.unknown(rank: dims.count))
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    guard let runner = e.runner else {
      throw EngineError(.unsupported, "a graph cannot run here")
    }
    var limit = Int(Int32.max)
    if let m = try e.optionalTensor(0) {
      guard m.count == 1 else {
        throw EngineError(.shape, "the trip count must be one number", received: "\(m.shape)")
      }
      limit = Int(m.elements(Int64.self)[0])
    }
    var goesOn = true
    if let c = try e.optionalTensor(1) {
      guard c.count == 1 else {
        throw EngineError(.shape, "the condition must be one bool", received: "\(c.shape)")
      }
      goesOn = c.elements(Bool.self)[0]
    }
    let count = max(0, e.inputs.count - 2)
    var carried = Array(e.inputs.dropFirst(2))
    let scans = max(0, body.graph.outputs.count - 1 - count)
    let stack = Stack(expecting: limit < Int(Int32.max) ? limit : 0)
    var stacks = [Stack](repeating: stack, count: scans)
    var i = 0
    // Types that the body could not be bound for.
    var refused: [TensorType]?
    while goesOn && i < limit {
      if let types = tensorTypes(carried), types != refused {
        if try runBound(types, &carried, &stacks, from: i, limit: limit, runner, e) { break }
        refused = types
      }
      try runner.checkCancellation()
      let number = try Tensor(scalar: Int64(i))
      let condition = try Tensor(scalar: true)
      let results = try runner.run(
        body, inputs: [.tensor(number), .tensor(condition)] + carried, captured: e.captured)
      guard results.count == 1 + count + scans, let next = results[0] else {
        throw EngineError(.invalidModel, "the body gave too few outputs")
      }
      let flag = try next.asTensor()
      try Self.checkCondition(flag.type)
      goesOn = flag.elements(Bool.self)[0]
      carried = Array(results[1..<(1 + count)])
      for s in 0..<scans {
        guard let r = results[1 + count + s] else {
          throw EngineError(.invalidModel, "the body gave no scan output \(s)")
        }
        try stacks[s].append(try r.asTensor(), e)
      }
      i += 1
      try Self.checkEnd(i, limit)
    }
    var outputs = carried
    for s in 0..<scans {
      let id = body.graph.outputs[1 + count + s]
      outputs.append(.tensor(try stacks[s].stacked(e, emptyLike: body.graph.values[id.index].fact)))
    }
    return outputs
  }

  /// Runs all iterations from `first` on with the body bound to memory: an iteration then costs
  /// the body's kernels and some ten nanoseconds. False where the body must run on values.
  private func runBound(
    _ types: [TensorType], _ carried: inout [Value?], _ stacks: inout [Stack], from first: Int,
    limit: Int, _ runner: any GraphRunner, _ e: Evaluation
  ) throws(EngineError) -> Bool {
    let inputs = [TensorType(.int64, Shape([])), TensorType(.bool, Shape([]))] + types
    guard let bound = try runner.bind(body, inputs: inputs, captured: e.captured),
      bound.outputTypes.count == 1 + types.count + stacks.count,
      var values = try CarriedValues(carried, in: bound, firstInput: 2, firstOutput: 1, e)
    else { return false }
    try Self.checkCondition(bound.outputTypes[0])
    let number = try Storage(inputs[0])
    let flags = try Storage(TensorType(.bool, Shape([2])))
    let counter = number.bytes.assumingMemoryBound(to: Int64.self)
    let goesOn = flags.bytes.assumingMemoryBound(to: Bool.self)
    goesOn[0] = true
    goesOn[1] = true
    bound.bindInput(0, number.bytes)
    bound.bindInput(1, flags.bytes)
    bound.bindOutput(0, flags.bytes + 1)
    let firstScan = 1 + types.count
    var i = first
    while goesOn[1] && i < limit {
      try runner.checkCancellation()
      counter[0] = Int64(i)
      for s in stacks.indices {
        let type = bound.outputTypes[firstScan + s]
        bound.bindOutput(firstScan + s, try stacks[s].next(type, e))
      }
      if i > first { try values.advance() }
      try bound.run()
      i += 1
      try Self.checkEnd(i, limit)
    }
    carried = values.written
    return true
  }

  private static func checkCondition(_ type: TensorType) throws(EngineError) {
    guard type.dtype == .bool, type.count == 1 else {
      throw EngineError(
        .invalidModel, "the body's condition must be one bool", received: "\(type)")
    }
  }

  private static func checkEnd(_ i: Int, _ limit: Int) throws(EngineError) {
    if i == limit && limit == Int(Int32.max) {
      throw EngineError(.budget, "the loop does not end", received: "\(i) iterations")
    }
  }
}
