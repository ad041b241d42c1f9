import Graphs
import Kernels
import Operators
import Synchronization
import Tensors

/// A graph made ready: operators bound, plans kept per set of input types.
final class Program: Sendable {
  let graph: Graph
  let session: SessionState
  /// Node by node.
  let steps: [ProgramStep]
  /// Value by value: the initializers.
  let constants: [Tensor?]
  /// What inference knows of them.
  let constantFacts: [Fact?]
  private let plans: Mutex<PlanCache>
  let calls: Mutex<[[Call]]>
  /// The latest plan made from the start, which those for other sizes begin with.
  let draft = Mutex<Planner.Draft?>(nil)

  init(_ graph: Graph, _ session: SessionState) throws(EngineError) {
    var constants = [Tensor?](repeating: nil, count: graph.values.count)
    for (id, tensor) in graph.initializers { constants[id.index] = tensor }
    for (id, sparse) in graph.sparseInitializers { constants[id.index] = try sparse.dense() }
    // An initializer that is also an input is only a default value.
    for id in graph.inputs { constants[id.index] = nil }
    for case let t? in constants { session.addConstant(t) }
    try session.checkBudget(0, for: "the weights")

    var steps: [ProgramStep] = []
    steps.reserveCapacity(graph.nodes.count)
    for (i, node) in graph.nodes.enumerated() {
      do throws(EngineError) {
        steps.append(
          ProgramStep(try session.operatorFor(node), node, name: graph.nodeName(i)))
      } catch { throw error.at(node: graph.nodeName(i), operatorName: node.type) }
    }
    self.graph = graph
    self.session = session
    self.steps = steps
    self.constants = constants
    constantFacts = constants.map { $0.map { Fact(constant: $0) } }
    plans = Mutex(PlanCache(limit: max(1, session.options.planCacheSize)))
    calls = Mutex([[Call]](repeating: [], count: graph.nodes.count))
  }

  /// Runs the graph. `inputs` stand in the order of `graph.inputs`, nil for those with defaults.
  func run(
    inputs: [Value?], captured: [Value?], outputs: [ValueID], targets: [Tensor?] = [],
    mustFit: Bool = true, _ settings: RunSettings, state: RunState? = nil
  ) throws(EngineError) -> [Value?] {
    let plan = try self.plan(inputs, captured, outputs)
    return try plan.run(
      inputs: inputs, captured: captured, targets: targets, mustFit: mustFit, settings,
      state: state)
  }

  /// The plan for these inputs, from the cache or made now.
  func plan(
    _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID]
  ) throws(EngineError) -> Plan {
    if let known = plans.withLock({ $0.find(inputs, captured, outputs, session) }) { return known }
    let started = session.options.observer == nil ? 0 : monotonicNanoseconds()
    let plan = try Planner.plan(self, inputs, captured, outputs)
    if let observer = session.options.observer {
      let types = inputs.map { if case .tensor(let t)? = $0 { t.type } else { nil as TensorType? } }
      observer(
        .planned(
          inputs: types, peakBytes: plan.peakBytes,
          nanoseconds: monotonicNanoseconds() &- started))
    }
    let key = PlanKey(inputs, captured, outputs, session)
    if let largest = plans.withLock({ $0.add(key, plan) }) { session.arenas.trim(to: largest) }
    return plan
  }
}

/// What planning asks of a node, found once.
final class ProgramStep: Sendable {
  let op: any Operator
  let schema: Schema
  /// Whether a plan has the operators that the node stands for in its place.
  let isExpanded: Bool
  let inputs: [ValueID?]
  let captured: [ValueID]
  let outputs: [ValueID?]
  let wanted: [Bool]
  let hasSubgraphs: Bool
  let name: String
  let type: String

  init(_ op: any Operator, _ node: Graph.Node, name: String) {
    self.op = op
    schema = Swift.type(of: op).schema
    isExpanded = Self.expands(op)
    inputs = node.inputs
    captured = node.captured
    outputs = node.outputs
    wanted = node.outputs.map { $0 != nil }
    hasSubgraphs = !node.subgraphs.isEmpty
    self.name = name
    type = node.type
  }

  /// Whether an operator is planned as those that it stands for.
  static func expands(_ op: any Operator) -> Bool {
    op is any CompositeOperator && !(op is any KernelComposite)
  }
}

/// What a plan depends on: the kinds and types of inputs, constants that are captured, and the
/// outputs asked for.
struct PlanKey: Equatable {
  enum Part: Equatable {
    case absent
    case tensor(TensorType)
    case constant(ObjectIdentifier)
    case container
  }
  let parts: [Part]
  let outputs: [ValueID]

  init(_ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID], _ session: SessionState) {
    parts =
      inputs.map { PlanKey.part($0, nil) } + captured.map { PlanKey.part($0, session) }
    self.outputs = outputs
  }

  /// A value's share of the key; a captured one's where there is a session.
  private static func part(_ value: Value?, _ session: SessionState?) -> Part {
    switch value {
    case nil: return .absent
    case .tensor(let t)?:
      if let session, session.isConstant(t) { return .constant(ObjectIdentifier(t.storage)) }
      return .tensor(t.type)
    default: return .container
    }
  }

  /// Whether the key for these values has the same constants and outputs, and tensors of the same
  /// element types and ranks.
  func differsInSizesOnly(
    _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID], _ session: SessionState
  ) -> Bool {
    guard parts.count == inputs.count + captured.count, outputs == self.outputs else {
      return false
    }
    for i in parts.indices {
      let part =
        i < inputs.count
        ? PlanKey.part(inputs[i], nil) : PlanKey.part(captured[i - inputs.count], session)
      switch (parts[i], part) {
      case (.tensor(let a), .tensor(let b)):
        guard a.dtype == b.dtype, a.shape.rank == b.shape.rank, a.dtype != .string else {
          return false
        }
      case (.absent, .absent): break
      case (.constant(let a), .constant(let b)): guard a == b else { return false }
      default: return false
      }
    }
    return true
  }

  /// Whether this is the key for these values: a look at it that takes nothing from the heap.
  func fits(
    _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID], _ session: SessionState
  ) -> Bool {
    guard parts.count == inputs.count + captured.count, outputs == self.outputs else {
      return false
    }
    for i in inputs.indices where parts[i] != PlanKey.part(inputs[i], nil) { return false }
    for i in captured.indices
    where parts[inputs.count + i] != PlanKey.part(captured[i], session) { return false }
    return true
  }
}

/// The most recently used plans, the latest last.
struct PlanCache: ~Copyable {
  private var list: [(PlanKey, Plan)] = []
  private let limit: Int
  /// Bytes that the plans take, about; beyond the latest few they stay below `most`.
  private var bytes = 0
  private static let few = 12
  private static let most = 32 << 20

  init(limit: Int) { self.limit = limit }

  mutating func find(
    _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID], _ session: SessionState
  ) -> Plan? {
    guard let i = list.lastIndex(where: { $0.0.fits(inputs, captured, outputs, session) }) else {
      return nil
    }
    let found = list[i]
    if i != list.count - 1 {
      list.remove(at: i)
      list.append(found)
    }
    return found.1
  }

  /// Adds a plan; where there are more than the latest few, the bytes of the largest arena that these
  /// need.
  mutating func add(_ key: PlanKey, _ plan: Plan) -> Int? {
    list.append((key, plan))
    bytes += plan.ownBytes
    while list.count > limit || list.count > Self.few && bytes > Self.most {
      bytes -= list.removeFirst().1.ownBytes
    }
    let few = min(limit, Self.few)
    return list.count >= few ? list.suffix(few).lazy.map(\.1.arenaBytes).max() : nil
  }
}

extension Plan {
  /// Bytes that the plan itself takes, about.
  fileprivate var ownBytes: Int { steps.count * 3072 + 4096 }
}

extension SparseTensor {
  /// The tensor with zeros written out.
  ///
  /// Errors: `.invalidModel` when an index lies outside; `.budget` for sizes beyond memory.
  public func dense() throws(EngineError) -> Tensor {
    let shape = try Shape(checking: dims)
    let type = TensorType(values.dtype, shape)
    let size = values.dtype.byteSize
    guard size > 0, indices.dtype == .int64 else {
      throw EngineError(.invalidModel, "sparse tensor of \(values.dtype) cannot be expanded")
    }
    let strides = shape.strides
    let places = indices.elements(Int64.self)
    let rank = indices.shape.rank == 2 ? indices.shape[1] : 1
    guard places.count == values.count * rank, rank == 1 || rank == shape.rank else {
      throw EngineError(.invalidModel, "a sparse tensor's indices do not fit its values")
    }
    return try Tensor(type) { (bytes) throws(EngineError) in
      guard let base = bytes.baseAddress else { return }
      base.initializeMemory(as: UInt8.self, repeating: 0, count: bytes.count)
      for i in 0..<values.count {
        var place = 0
        for axis in 0..<rank {
          let index = Int(places[i * rank + axis])
          let limit = indices.shape.rank == 2 ? shape[axis] : shape.count
          guard index >= 0, index < limit else {
            throw EngineError(
              .invalidModel, "a sparse tensor's index is out of range",
              expected: "0 to \(limit - 1)",
              received: "\(index)")
          }
          place += index * (indices.shape.rank == 2 ? strides[axis] : 1)
        }
        (base + place * size).copyMemory(
          from: values.storage.bytes + i * size, byteCount: size)
      }
    }
  }
}
