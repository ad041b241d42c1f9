import Compiler
import Graphs
import Kernels
import Operators
import Tensors

/// Makes a plan: infers every size, folds what is known, prepares kernels, lays out the arena.
struct Planner {
  /// A value while the plan is made.
  struct Slot {
    enum State {
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

  init(_ program: Program) {
    self.program = program
    slotOf = [Int?](repeating: nil, count: program.graph.values.count)
  }

  static func plan(
    _ program: Program, _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID]
  ) throws(EngineError) -> Plan {
    var planner = Planner(program)
    return try planner.make(inputs, captured, outputs)
  }

  private mutating func addSlot(_ slot: Slot) -> Int {
    slots.append(slot)
    return slots.count - 1
  }

  mutating func addConstant(_ t: Tensor) -> Int {
    addSlot(Slot(state: .constant(t), place: .constant(t)))
  }

  private mutating func make(
    _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID]
  ) throws(EngineError) -> Plan {
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
    return try finish(outputSlots)
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

  private func root(_ slot: Int) -> Int {
    var s = slot
    while case .view(let of, _, _) = slots[s].place { s = of }
    return s
  }

  private func fact(_ slot: Int) -> Fact? {
    if let fact = slots[slot].fact { return fact }
    switch slots[slot].state {
    case .constant(let t): return Fact(constant: t)
    case .planned(let type): return Fact(type)
    case .dynamic: return nil
    }
  }

  private func tensorType(_ slot: Int) -> TensorType? {
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
    let results = try addOperator(
      step.op, step.schema, inputs, captured, outputs: step.wanted, node: nodeNames.count - 1,
      cacheAt: i, isExpanded: step.isExpanded, hasSubgraphs: step.hasSubgraphs)
    for (id, slot) in zip(step.outputs, results) where id != nil {
      if let id { slotOf[id.index] = slot }
    }
  }

  /// Plans one operator; the slots of its outputs, nil for unwanted ones.
  mutating func addOperator(
    _ op: any Operator, _ schema: Schema, _ inputs: [Int?], _ captured: [Int?],
    outputs wanted: [Bool], node: Int, cacheAt: Int?, isExpanded: Bool, hasSubgraphs: Bool
  ) throws(EngineError) -> [Int?] {
    let isDynamic = inputs.contains { slot in
      if let slot, case .dynamic = slots[slot].state { true } else { false }
    }
    var inputTypes: [TensorType?] = []
    var facts: [Fact?] = []
    inputTypes.reserveCapacity(inputs.count)
    facts.reserveCapacity(inputs.count)
    for (k, slot) in inputs.enumerated() {
      facts.append(slot.flatMap { self.fact($0) })
      let type = slot.flatMap { tensorType($0) }
      inputTypes.append(type)
      if let type, let p = schema.input(k), !p.types.contains(type.dtype) {
        throw EngineError(
          .dtype, "input \(k) (\(p.name)) has an element type the operator does not take",
          expected: p.types.list.map { "\($0)" }.joined(separator: ", "), received: "\(type.dtype)")
      }
    }
    if isDynamic || hasSubgraphs || inputTypes.contains(where: { $0?.dtype == .string }) {
      return addDynamic(op, inputs, captured, wanted, node)
    }
    if isExpanded {
      return try addComposite(op, inputs, facts, wanted, node)
    }
    let results = try op.infer(Inference(inputs: facts, outputCount: wanted.count))
    if let known = constants(results, wanted) { return known }
    var types: [TensorType?] = []
    types.reserveCapacity(wanted.count)
    for (k, w) in wanted.enumerated() {
      guard w else {
        types.append(nil)
        continue
      }
      guard k < results.count, let t = results[k].tensorType, t.dtype != .string else {
        return addDynamic(op, inputs, captured, wanted, node)
      }
      types.append(t)
    }
    // A result that no budget allows is refused before anything is allocated for it.
    for case let t? in types {
      try program.session.checkBudget(t.byteCount, for: "a result of \(t)")
    }
    if let folded = foldSmall(op, schema, inputs, types) { return folded }
    let constants: [Tensor?] = inputs.enumerated().map { (k, slot) in
      guard let slot else { return nil }
      if case .constant(let t) = slots[slot].state { return t }
      guard schema.input(k)?.isShapeInput == true else { return nil }
      return knownTensor(slot)
    }
    // Kernels are prepared with the values of shape inputs; where those come from data, so does
    // the kernel.
    for (k, slot) in inputs.enumerated()
    where slot != nil && constants[k] == nil && schema.input(k)?.isShapeInput == true {
      return addDynamic(op, inputs, captured, wanted, node)
    }
    let call = try bind(op, inputTypes, types, constants, cacheAt)
    switch call.prepared.kind {
    case .dynamic: return addDynamic(op, inputs, captured, wanted, node)
    case .view:
      guard let source = inputs.first.flatMap({ $0 }), let type = types[0] else {
        throw EngineError(.internalDefect, "a view needs an input")
      }
      var slot = Slot(state: .planned(type), place: .view(of: source, type, offset: 0))
      slot.fact = results[0]
      return [addSlot(slot)]
    case .kernel: return addKernel(call, inputs, types, results, node)
    }
  }

  /// Output slots as constants, when inference knows all contents.
  private mutating func constants(_ results: [Fact], _ wanted: [Bool]) -> [Int?]? {
    var tensors: [Tensor?] = []
    for (k, w) in wanted.enumerated() {
      if !w {
        tensors.append(nil)
      } else if k < results.count, let t = results[k].constant ?? results[k].integerTensor() {
        tensors.append(t)
      } else {
        return nil
      }
    }
    return tensors.map { $0.map { addConstant($0) } }
  }

  /// Runs an operator on small constants now.
  private mutating func foldSmall(
    _ op: any Operator, _ schema: Schema, _ inputs: [Int?], _ types: [TensorType?]
  ) -> [Int?]? {
    guard schema.isDeterministic, types.allSatisfy({ ($0?.count ?? 0) <= Fact.maxElements }),
      !inputs.isEmpty
    else { return nil }
    var values: [Value?] = []
    for slot in inputs {
      guard let slot else {
        values.append(nil)
        continue
      }
      guard let t = knownTensor(slot), t.count <= Fact.maxElements else { return nil }
      values.append(.tensor(t))
    }
    let eager = Eager(pool: .single, options: program.session.kernelOptions)
    guard
      let results = try? eager.evaluate(op, values, outputs: types.count, runner: nil)
    else { return nil }
    var tensors: [Tensor?] = []
    for r in results.prefix(types.count) {
      guard case .tensor(let t)? = r else { return nil }
      tensors.append(t)
    }
    return tensors.map { $0.map { addConstant($0) } }
  }

  private func knownTensor(_ slot: Int) -> Tensor? {
    if case .constant(let t) = slots[slot].state { return t }
    return fact(slot)?.integerTensor()
  }

  private func bind(
    _ op: any Operator, _ inputs: [TensorType?], _ outputs: [TensorType?], _ constants: [Tensor?],
    _ cacheAt: Int?
  ) throws(EngineError) -> Call {
    var isFirst = true
    if let cacheAt {
      let (known, count) = program.calls.withLock { calls in
        // What was prepared with contents may not serve a plan that does not know them.
        let known = calls[cacheAt].first {
          $0.outputs == outputs && $0.serves(inputs, constants)
            && zip($0.constants, constants).allSatisfy { ($0 == nil) == ($1 == nil) }
        }
        return (known, calls[cacheAt].count)
      }
      if let known { return known }
      isFirst = count == 0
    }
    let prepared = try op.prepare(
      Preparation(
        inputs: inputs, outputs: outputs, constants: constants,
        options: program.session.kernelOptions, store: program.session.store))
    // Most kernels that know their weights keep a packed copy, made for the first sizes; those that
    // do not read the pages again.
    if isFirst { for case let t? in constants { t.storage.releasePages() } }
    let call = Call(
      op, inputs: inputs, outputs: outputs, constants: constants, prepared: prepared)
    if let cacheAt {
      program.calls.withLock { calls in
        if calls[cacheAt].count >= 4 { calls[cacheAt].removeFirst() }
        calls[cacheAt].append(call)
      }
    }
    return call
  }

  private mutating func addKernel(
    _ call: Call, _ inputs: [Int?], _ types: [TensorType?], _ results: [Fact], _ node: Int
  ) -> [Int?] {
    let time = steps.count
    let firstAddress = addressSlots.count
    for slot in inputs {
      addressSlots.append(slot ?? -1)
      if let slot { slots[root(slot)].last = max(slots[root(slot)].last, time) }
    }
    var made: [Int?] = []
    for (k, type) in types.enumerated() {
      guard let type else {
        made.append(nil)
        addressSlots.append(-1)
        continue
      }
      var slot = Slot(state: .planned(type), place: .arena(offset: 0))
      slot.first = time
      slot.last = time
      slot.fact = k < results.count ? results[k] : nil
      let id = addSlot(slot)
      made.append(id)
      addressSlots.append(id)
    }
    steps.append(
      .kernel(
        Plan.KernelStep(
          call: call, firstAddress: firstAddress, inputCount: inputs.count, node: node)))
    return made
  }

  private mutating func addDynamic(
    _ op: any Operator, _ inputs: [Int?], _ captured: [Int?], _ wanted: [Bool], _ node: Int
  ) -> [Int?] {
    let time = steps.count
    for case let slot? in inputs + captured {
      slots[root(slot)].escapes = true
      slots[root(slot)].last = max(slots[root(slot)].last, time)
    }
    let lasting = inputs.map { slot in
      if let slot, case .constant = slots[slot].state { true } else { false }
    }
    var made: [Int?] = []
    for w in wanted {
      guard w else {
        made.append(nil)
        continue
      }
      var slot = Slot(state: .dynamic, place: .dynamic)
      slot.first = time
      slot.last = time
      made.append(addSlot(slot))
    }
    steps.append(
      .dynamic(
        Plan.DynamicStep(
          op: op, inputs: inputs, captured: captured, lasting: lasting, outputs: made, node: node,
          releases: [])))
    return made
  }
}
