import Compiler
import Graphs
import Kernels
import Operators
import Synchronization
import Tensors

/// A model made ready to run. Safe for many tasks at once: each run has memory of its own.
public final class Session: Sendable {
  /// Name and type of an input or an output; sizes are symbolic where the model leaves them open.
  public struct Port: Sendable {
    public let name: String
    public let type: ValueType
    /// Whether a run may leave it out.
    public let isOptional: Bool
  }

  public let inputs: [Port]
  public let outputs: [Port]
  public let metadata: [String: String]
  let state: SessionState
  let program: Program
  private let inputIndex: [String: Int]
  private let shared: SharedModel
  /// The graph as the file has it, for runs that ask for values inside it.
  private let plain = Mutex<Program?>(nil)

  /// Binds every operator, folds constants and checks the model.
  ///
  /// Errors: `.usage` for options that mean nothing, `.unsupported` for unknown operators,
  /// `.invalidModel`, `.attribute`, `.budget`.
  public init(_ model: ModelGraph, options: SessionOptions = .init()) throws(EngineError) {
    try options.check()
    let options = try model.compiled?.fit(options) ?? options
    let started = options.observer == nil ? 0 : monotonicNanoseconds()
    let lookup = options.operators.lookup(opsets: model.opsets)
    let pool = SessionState.pool(options)
    let passes = options.passes(pool)
    shared = try SharedModel.of(model, lookup, passes, isShared: !options.operators.hasAdditions)
    var opsets: [String: Int] = [:]
    for (domain, version) in model.opsets { opsets[domain == "ai.onnx" ? "" : domain] = version }
    state = SessionState(
      options: options, pool: pool, opsets: opsets, lookup: lookup, store: shared.store)
    program = try Program(shared.graph, state)
    let graph = shared.original
    let defaults = Set(graph.initializers.map(\.id))
    inputs = graph.inputs.map {
      Port(
        name: graph.name($0), type: graph.values[$0.index].fact.type,
        isOptional: defaults.contains($0))
    }
    outputs = graph.outputs.map {
      Port(name: graph.name($0), type: graph.values[$0.index].fact.type, isOptional: false)
    }
    metadata = Dictionary(model.metadata.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    var inputIndex: [String: Int] = [:]
    for (i, p) in inputs.enumerated() { inputIndex[p.name] = i }
    self.inputIndex = inputIndex
    options.observer?(
      .loaded(
        nodes: program.graph.nodes.count, weightBytes: state.constantBytes.load(ordering: .relaxed),
        nanoseconds: monotonicNanoseconds() &- started))
  }

  /// Threads that take part in a run.
  public var threads: Int { state.pool.threads }

  /// A result for who may write to it: the tensor, or a copy where its memory is a weight's, a part
  /// of another value's, or known to the caller to be `isShared`.
  ///
  /// Errors: `.budget` when there is no memory for a copy.
  public func ownMemory(_ result: Tensor, isShared: Bool = false) throws(EngineError) -> Tensor {
    let keeper = result.storage.keeper
    let isOwn = !result.storage.isBorrowed || keeper is AllocatedBlock || keeper is RecycledBlock
    if isOwn, !isShared, !state.isConstant(result) { return result }
    let copy = try state.allocate(result.type)
    copy.bytes.copyMemory(from: result.storage.bytes, byteCount: result.byteCount)
    return Tensor(copy)
  }

  /// Runs the model.
  ///
  /// - `inputs` by name; those with defaults may be left out.
  /// - `outputs`: names of outputs or of any other value of the graph; nil for all outputs.
  /// - Errors: `.usage` for unknown or missing names; `.shape` and `.dtype` where an input does
  ///   not fit; `.value` for values out of range; `.cancelled`, `.deadline`, `.budget`.
  public func run(
    _ inputs: [String: Tensor], outputs: [String]? = nil, control: RunControl? = nil,
    profiler: Profiler? = nil
  ) throws(EngineError) -> Outputs {
    try run(
      values: inputs.mapValues { .tensor($0) }, outputs: outputs, control: control,
      profiler: profiler)
  }

  /// The same with sequences, optionals and maps among the inputs.
  public func run(
    values: [String: Value], outputs: [String]? = nil, control: RunControl? = nil,
    profiler: Profiler? = nil
  ) throws(EngineError) -> Outputs {
    var list = [Value?](repeating: nil, count: inputs.count)
    for (name, value) in values {
      list[try inputPlace(name)] = value
    }
    let names = outputs ?? self.outputs.map(\.name)
    let (program, ids) = try sources(of: outputs)
    let results = try run(program, list, ids, [], true, control, profiler)
    return Outputs(names: names, values: results)
  }

  /// Runs with values in the order of `inputs`, nil for those left out, and gives the outputs in
  /// the order of `outputs`: the way with the least cost.
  ///
  /// - `into`: memory for outputs, in the order of `outputs`; nil, or left out, for those that the
  ///   run makes memory for. A tensor given is written and returned; nobody may read it meanwhile.
  /// - `only`: the outputs wanted, by their places; nil for all. `into` then follows this order.
  /// - `mustFit`: whether memory of another type than the output's is an error; else the output
  ///   comes in memory of its own.
  /// - Errors: as the other `run`; `.shape` when an output does not fit its memory.
  public func run(
    ordered inputs: [Value?], into targets: [Tensor?] = [], mustFit: Bool = true,
    only wanted: [Int]? = nil, control: RunControl? = nil, profiler: Profiler? = nil
  ) throws(EngineError) -> [Value?] {
    guard inputs.count == self.inputs.count else {
      throw EngineError(
        .usage, "the wrong number of inputs", expected: "\(self.inputs.count)",
        received: "\(inputs.count)")
    }
    var ids = program.graph.outputs
    if let wanted {
      ids = []
      for i in wanted {
        guard outputs.indices.contains(i) else {
          throw EngineError(
            .usage, "the model has no output \(i)", expected: "0 to \(outputs.count - 1)")
        }
        ids.append(program.graph.outputs[i])
      }
    }
    guard targets.count <= ids.count else {
      throw EngineError(
        .usage, "memory for more outputs than are asked for", expected: "at most \(ids.count)",
        received: "\(targets.count)")
    }
    return try run(program, inputs, ids, targets, mustFit, control, profiler)
  }

  /// The plan for inputs of these types, bound to memory; nil where it runs on values.
  func bind(_ examples: [Value?]) throws(EngineError) -> BoundPlan? {
    let plan = try program.plan(examples, [], program.graph.outputs)
    return try BoundPlan(
      plan, inputs: examples.map { if case .tensor(let t)? = $0 { t.type } else { nil } },
      captured: [], RunSettings(session: state))
  }

  /// Where the input of this name stands in `inputs`.
  ///
  /// Errors: `.usage` when there is none.
  func inputPlace(_ name: String) throws(EngineError) -> Int {
    guard let i = inputIndex[name] else {
      throw EngineError(
        .usage, "the model has no input '\(name)'",
        expected: inputs.map { "'\($0.name)'" }.joined(separator: ", "))
    }
    return i
  }

  /// The program and its values that have these names. What optimisation may have taken away is
  /// made by the graph as the file has it.
  private func sources(of names: [String]?) throws(EngineError) -> (Program, [ValueID]) {
    guard let names else { return (program, program.graph.outputs) }
    let places = names.compactMap { name in outputs.firstIndex { $0.name == name } }
    if places.count == names.count { return (program, places.map { program.graph.outputs[$0] }) }
    var ids: [ValueID] = []
    for name in names {
      guard !name.isEmpty, let i = shared.original.values.firstIndex(where: { $0.name == name })
      else {
        throw EngineError(
          .usage, "the model has no value '\(name)'",
          expected: outputs.map { "'\($0.name)'" }.joined(separator: ", ")
            + " or a value inside the graph")
      }
      ids.append(ValueID(i))
    }
    if state.options.optimization == .none { return (program, ids) }
    if let made = plain.withLock({ $0 }) { return (made, ids) }
    let made = try Program(shared.original, state)
    plain.withLock { $0 = made }
    return (made, ids)
  }

  private func run(
    _ program: Program, _ values: [Value?], _ ids: [ValueID], _ targets: [Tensor?], _ mustFit: Bool,
    _ control: RunControl?, _ profiler: Profiler?
  ) throws(EngineError) -> [Value?] {
    for (i, port) in inputs.enumerated() {
      guard let value = values[i] else {
        if port.isOptional { continue }
        throw EngineError(
          .usage, "input '\(port.name)' is missing", expected: "\(port.type.text)")
      }
      try port.check(value)
    }
    let settings = RunSettings(session: state, control: control, profiler: profiler)
    guard let observer = state.options.observer else {
      return try program.run(
        inputs: values, captured: [], outputs: ids, targets: targets, mustFit: mustFit,
        settings)
    }
    let started = monotonicNanoseconds()
    do throws(EngineError) {
      let results = try program.run(
        inputs: values, captured: [], outputs: ids, targets: targets, mustFit: mustFit,
        settings)
      observer(.finished(nanoseconds: monotonicNanoseconds() &- started))
      return results
    } catch {
      observer(.failed(error, nanoseconds: monotonicNanoseconds() &- started))
      throw error
    }
  }

  /// The graph as it runs: what the compiler left of the model's.
  public var compiledGraph: Graph { program.graph }

  /// The plan for inputs of these types.
  func plan(_ examples: [Value?]) throws(EngineError) -> Plan {
    try program.plan(examples, [], program.graph.outputs)
  }
}

/// What a run gave, in the order asked for.
public struct Outputs: Sendable {
  public let names: [String]
  public let values: [Value?]

  /// The tensor of this name; nil when it was not asked for or is no tensor.
  public subscript(name: String) -> Tensor? {
    guard let i = names.firstIndex(of: name), case .tensor(let t)? = values[i] else { return nil }
    return t
  }
  /// The tensor at a place; nil where there is none.
  public subscript(i: Int) -> Tensor? {
    guard values.indices.contains(i), case .tensor(let t)? = values[i] else { return nil }
    return t
  }
  public var count: Int { values.count }
}

extension Session.Port {
  /// Whether a value fits the declared type.
  func check(_ value: Value) throws(EngineError) {
    switch (type, value) {
    case (.tensor(let dtype, let dims), .tensor(let t)):
      if let dtype, dtype != t.dtype {
        throw EngineError(
          .dtype, "input '\(name)' has the wrong element type", expected: "\(dtype)",
          received: "\(t.dtype)")
      }
      guard let dims else { return }
      let fits =
        dims.count == t.shape.rank
        && dims.enumerated().allSatisfy { (i, d) in d.known.map { $0 == t.shape[i] } ?? true }
      guard fits else {
        throw EngineError(
          .shape, "input '\(name)' has the wrong shape", expected: type.text,
          received: "\(t.shape)")
      }
    case (.sequence, .sequence), (.optional, _), (.map, .map), (.sparseTensor, .tensor): return
    default:
      throw EngineError(
        .dtype, "input '\(name)' is of the wrong kind", expected: type.text, received: value.kind)
    }
  }
}

extension ValueType {
  /// As `float32[batch, 3, 224, 224]`; `?` for what is not known.
  public var text: String {
    switch self {
    case .tensor(let d, let dims): "\(d.map { "\($0)" } ?? "?")\(sizes(dims))"
    case .sparseTensor(let d, let dims): "sparse \(d.map { "\($0)" } ?? "?")\(sizes(dims))"
    case .sequence(let t): "sequence of \(t?.text ?? "?")"
    case .optional(let t): "optional \(t?.text ?? "?")"
    case .map(let k, let v): "map from \(k) to \(v?.text ?? "?")"
    }
  }
  private func sizes(_ dims: [Dim]?) -> String {
    guard let dims else { return "[...]" }
    return "[" + dims.map { "\($0)" }.joined(separator: ", ") + "]"
  }
}
