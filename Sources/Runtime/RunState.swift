import Compiler
import Glibc
import Graphs
import Kernels
import Operators
import Synchronization
import Tensors

/// What all graphs of one session share.
final class SessionState: Sendable {
  let options: SessionOptions
  let kernelOptions: KernelOptions
  let pool: ThreadPool
  let store: PackedStore
  /// Opset version by domain, "" for ai.onnx.
  let opsets: [String: Int]
  let lookup: OperatorLookup
  let budget: Int
  let arenas: ArenaPool
  let recycled = RecycledBlocks()
  /// Bytes of weights that the session holds.
  let constantBytes = Atomic<Int>(0)
  /// Storage of values that never change while the session lives: a subgraph that captures one
  /// may treat it as a constant.
  private let constantStorages = Mutex<Set<ObjectIdentifier>>([])

  init(
    options: SessionOptions, pool: ThreadPool, opsets: [String: Int], lookup: OperatorLookup,
    store: PackedStore
  ) {
    self.options = options
    self.opsets = opsets
    self.lookup = lookup
    self.store = store
    self.pool = pool
    kernelOptions = KernelOptions(
      exact: options.exact, compact: options.compact, threads: pool.threads)
    arenas = ArenaPool(options.allocator)
    budget = options.maxMemoryBytes ?? machineMemoryBudget()
  }

  static func pool(_ options: SessionOptions) -> ThreadPool {
    let threads = max(1, options.threads ?? ThreadPool.defaultThreadCount)
    return threads == 1 ? .single : ThreadPool(threads: threads)
  }

  func addConstant(_ t: Tensor) {
    let isNew = constantStorages.withLock { $0.insert(ObjectIdentifier(t.storage)).inserted }
    if isNew { constantBytes.wrappingAdd(t.byteCount, ordering: .relaxed) }
  }
  func isConstant(_ t: Tensor) -> Bool {
    constantStorages.withLock { $0.contains(ObjectIdentifier(t.storage)) }
  }

  /// A graph optimised as the session wants it, and made ready; `captured`: what is known of values
  /// that it captures.
  func program(_ graph: Graph, captured: [ValueID: Fact] = [:]) throws(EngineError) -> Program {
    let optimizer = Optimizer(options.passes(pool))
    return try Program(try optimizer.run(graph, using: lookup, captured: captured), self)
  }

  func operatorFor(_ node: Graph.Node) throws(EngineError) -> any Operator {
    if let op = node.op { return op }
    let domain = node.domain == "ai.onnx" ? "" : node.domain
    guard let opset = node.opset ?? opsets[domain] else {
      throw EngineError(
        .invalidModel, "domain '\(domain.isEmpty ? "ai.onnx" : domain)' is used but not imported",
        expected: "an opset_import of the domain", subject: .init(operatorName: node.type))
    }
    return try options.operators.make(node, opset: opset)
  }

  func checkBudget(
    _ bytes: Int, for what: @autoclosure () -> String
  ) throws(EngineError) {
    let (total, overflow) = constantBytes.load(ordering: .relaxed).addingReportingOverflow(bytes)
    guard !overflow, total <= budget else {
      throw EngineError(
        .budget, "\(what()) would exceed the memory budget", expected: "at most \(budget) bytes",
        received: "\(bytes) bytes beside \(constantBytes.load(ordering: .relaxed)) of weights",
        hint: "raise --max-memory or use a smaller batch")
    }
  }
}

extension SessionOptions {
  /// What they mean to the compiler. A NaN is to be blamed on a node of the file, so nothing is
  /// fused where NaNs are looked for.
  func passes(_ pool: ThreadPool) -> PassOptions {
    PassOptions(
      level: checksNaN ? min(optimization, .basic) : optimization, exact: exact,
      threads: pool.threads, pool: pool)
  }
}

/// How a run is to be done.
struct RunSettings {
  let session: SessionState
  var control: RunControl?
  var profiler: Profiler?
}

/// The program of a body, made for the constants that it captures.
private final class BodyProgram: Sendable {
  let program: Program
  /// Each with its place among what is captured.
  private let constants: [(place: Int, tensor: Tensor)]

  var session: SessionState { program.session }

  init(_ graph: Graph, _ captured: [Value?], _ session: SessionState) throws(EngineError) {
    var constants: [(place: Int, tensor: Tensor)] = []
    var facts: [ValueID: Fact] = [:]
    for (place, (id, value)) in zip(graph.captures, captured).enumerated() {
      guard case .tensor(let t)? = value, session.isConstant(t) else { continue }
      constants.append((place, t))
      facts[id] = Fact(constant: t)
    }
    self.constants = constants
    program = try session.program(graph, captured: facts)
  }

  func fits(_ captured: [Value?]) -> Bool {
    constants.allSatisfy { (place, tensor) in
      guard place < captured.count, case .tensor(let t)? = captured[place] else { return false }
      return t.storage === tensor.storage && t.type == tensor.type
    }
  }
}

/// What one run carries through all its graphs, where nodes run on values.
final class RunState: GraphRunner {
  let settings: RunSettings
  var session: SessionState { settings.session }
  /// Bytes of dynamic values alive in the graphs being run.
  var dynamicBytes = 0
  var depth = 0

  init(_ settings: RunSettings) { self.settings = settings }

  func run(
    _ graph: Subgraph, inputs: [Value?], captured: [Value?]
  ) throws(EngineError) -> [Value?] {
    let program = try program(of: graph, captured)
    depth += 1
    defer { depth -= 1 }
    guard depth <= 100 else {
      throw EngineError(.budget, "subgraphs are nested too deep", expected: "at most 100 levels")
    }
    return try program.run(
      inputs: inputs, captured: captured, outputs: program.graph.outputs, settings, state: self)
  }

  func bind(
    _ graph: Subgraph, inputs: [TensorType], captured: [Value?]
  ) throws(EngineError) -> (any BoundGraph)? {
    let program = try program(of: graph, captured)
    // Only the types matter to the plan.
    let examples: [Value?] = inputs.map {
      .tensor(Tensor(Storage($0, borrowing: Storage.empty, owner: nil)))
    }
    let plan = try program.plan(examples, captured, program.graph.outputs)
    return try BoundPlan(plan, inputs: inputs, captured: captured, settings)
  }

  /// What was made of the graph: once for each session and the constants that it captures.
  private func program(
    of graph: Subgraph, _ captured: [Value?]
  ) throws(EngineError) -> Program {
    if let known = graph.prepared.withLock({ $0 }) as? BodyProgram, known.session === session,
      known.fits(captured)
    {
      return known.program
    }
    let made = try BodyProgram(graph.graph, captured, session)
    graph.prepared.withLock { $0 = made }
    return made.program
  }

  func reserve(bytes: Int) throws(EngineError) {
    let (total, overflow) = dynamicBytes.addingReportingOverflow(bytes)
    guard !overflow else { throw EngineError(.budget, "a result is too large") }
    try session.checkBudget(total, for: "a result of \(bytes) bytes")
  }

  func allocate(_ type: TensorType) throws(EngineError) -> Storage {
    try reserve(bytes: type.byteCount)
    return try session.allocate(type)
  }

  func checkCancellation() throws(EngineError) { try settings.control?.check() }
}

/// Three quarters of the memory of the machine or of its cgroup, in bytes.
func machineMemoryBudget() -> Int {
  var bytes = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
  for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
    guard let file = fopen(path, "r") else { continue }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 64)
    if fgets(&line, 64, file) != nil {
      let limit = Int(strtoll(line, nil, 10))
      if limit > 0 { bytes = min(bytes, limit) }
    }
  }
  return bytes / 4 * 3
}
