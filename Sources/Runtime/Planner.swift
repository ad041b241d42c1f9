import Compiler
import Graphs
import Kernels
import Operators
import Tensors

/// Makes a plan: infers every size, folds what is known, prepares kernels, lays out the arena.
struct Planner {
  /// A value while the plan is made.
  struct Slot: Sendable {
    enum State: Sendable {
      case constant(Tensor)
      case planned(TensorType)
      case dynamic
    }
    var state: State
    /// What inference found; nil where the state says it.
    var fact: Fact?
    var place: Plan.Place
    var first = 0
    var last = 0
    /// Seen outside the planned steps: needs memory of its own.
    var escapes = false
    /// A result whose memory holds other values before its own.
    var holdsOthers = false
  }

  let program: Program
  var slots: [Slot] = []
  var slotOf: [Int?]
  var steps: [Plan.Step] = []
  /// Inputs and outputs of kernel steps, slot by slot; -1 for absent ones.
  var addressSlots: [Int] = []
  var nodeNames: [String] = []
  var operatorNames: [String] = []
  /// For each slot with memory, the results of kernels that lie in it; see `shareMemory`.
  var members: [[Int]] = []
  /// Steps that have nothing left to do.
  var isSpared: [Bool] = []
  /// How each operator was planned, for plans of other sizes; nil where these need a fresh start.
  var entries: [Entry]? = []

  init(_ program: Program, slotOf: [Int?]) {
    self.program = program
    self.slotOf = slotOf
  }

  static func plan(
    _ program: Program, _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID]
  ) throws(EngineError) -> Plan {
    let draft = program.draft.withLock { $0 }
    if let plan = try? draft?.resized(program, inputs, captured, outputs) { return plan }
    var planner = Planner(
      program, slotOf: [Int?](repeating: nil, count: program.graph.values.count))
    let slots = try planner.make(inputs, captured, outputs)
    let key = PlanKey(inputs, captured, outputs, program.session)
    if let draft = Draft(planner, key: key, outputs: slots) {
      program.draft.withLock { $0 = draft }
    }
    return try planner.finish(slots)
  }

  mutating func addSlot(_ slot: Slot) -> Int {
    slots.append(slot)
    return slots.count - 1
  }

  mutating func addConstant(_ t: Tensor) -> Int {
    addSlot(Slot(state: .constant(t), place: .constant(t)))
  }

  /// Plans all that the outputs need; their slots.
  private mutating func make(
    _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID]
  ) throws(EngineError) -> [Int] {
    let graph = program.graph
    for (k, id) in graph.inputs.enumerated() {
      switch k < inputs.count ? inputs[k] : nil {
      case .tensor(let t)? where t.dtype != .string:
        slotOf[id.index] = addSlot(Slot(state: .planned(t.type), place: .input(k)))
      case nil:
        if let d = graph.initializers.first(where: { $0.id == id })?.tensor {
          slotOf[id.index] = addConstant(d)
        }
      default: slotOf[id.index] = addSlot(Slot(state: .dynamic, place: .input(k)))
      }
    }
    for (k, id) in graph.captures.enumerated() where k < captured.count {
      switch captured[k] {
      case .tensor(let t)? where program.session.isConstant(t): slotOf[id.index] = addConstant(t)
      case .tensor(let t)? where t.dtype != .string:
        slotOf[id.index] = addSlot(Slot(state: .planned(t.type), place: .captured(k)))
      case nil: break
      default: slotOf[id.index] = addSlot(Slot(state: .dynamic, place: .captured(k)))
      }
    }
    for (i, needed) in neededNodes(outputs).enumerated() where needed {
      let step = program.steps[i]
      nodeNames.append(step.name)
      operatorNames.append(step.type)
      do throws(EngineError) {
        try add(step, i)
      } catch { throw error.at(node: step.name, operatorName: step.type) }
    }
    var outputSlots: [Int] = []
    for id in outputs {
      guard let slot = slot(of: id) else {
        throw EngineError(.invalidModel, "nothing makes the output '\(graph.name(id))'")
      }
      outputSlots.append(slot)
      slots[root(slot)].escapes = true
    }
    return outputSlots
  }

  /// Nodes that the outputs depend on.
  private func neededNodes(_ outputs: [ValueID]) -> [Bool] {
    var maker = [Int?](repeating: nil, count: program.graph.values.count)
    for (i, step) in program.steps.enumerated() {
      for case let id? in step.outputs { maker[id.index] = i }
    }
    var needed = [Bool](repeating: false, count: program.steps.count)
    var open = outputs.compactMap { maker[$0.index] }
    while let i = open.popLast() {
      if needed[i] { continue }
      needed[i] = true
      let step = program.steps[i]
      for case let id? in step.inputs { if let m = maker[id.index] { open.append(m) } }
      for id in step.captured { if let m = maker[id.index] { open.append(m) } }
    }
    return needed
  }

  private mutating func slot(of id: ValueID) -> Int? {
    if let slot = slotOf[id.index] { return slot }
    guard let t = program.constants[id.index] else { return nil }
    var made = Slot(state: .constant(t), place: .constant(t))
    made.fact = program.constantFacts[id.index]
    let slot = addSlot(made)
    slotOf[id.index] = slot
    return slot
  }

  func root(_ slot: Int) -> Int {
    var s = slot
    while case .view(let of, _, _) = slots[s].place { s = of }
    return s
  }

  func fact(_ slot: Int) -> Fact? {
    if let fact = slots[slot].fact { return fact }
    switch slots[slot].state {
    case .constant(let t): return Fact(constant: t)
    case .planned(let type): return Fact(type)
    case .dynamic: return nil
    }
  }

  func tensorType(_ slot: Int) -> TensorType? {
    switch slots[slot].state {
    case .constant(let t): t.type
    case .planned(let type): type
    case .dynamic: nil
    }
  }

  // MARK: Nodes

  private mutating func add(_ step: ProgramStep, _ i: Int) throws(EngineError) {
    var inputs: [Int?] = []
    inputs.reserveCapacity(step.inputs.count)
    for id in step.inputs {
      guard let id else {
        inputs.append(nil)
        continue
      }
      guard let slot = slot(of: id) else {
        throw EngineError(
          .invalidModel, "input '\(program.graph.name(id))' has no value",
          hint: "give it in the inputs of the run")
      }
      inputs.append(slot)
    }
    var captured: [Int?] = []
    for id in step.captured { captured.append(slot(of: id)) }
    let use = Use(
      op: step.op, schema: step.schema, inputs: inputs, wanted: step.wanted, cacheAt: i,
      isExpanded: step.isExpanded, hasSubgraphs: step.hasSubgraphs)
    let results = try addOperator(use, captured, node: nodeNames.count - 1)
    for (id, slot) in zip(step.outputs, results) where id != nil {
      if let id { slotOf[id.index] = slot }
    }
  }
}
