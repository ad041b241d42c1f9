import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
  /// What becomes of an operator in a plan.
  enum Outcome {
    /// It runs at once, on values.
    case dynamic
    /// The operators that it stands for come in its place.
    case expanded
    /// Everything is known; nil for unwanted outputs.
    case constants([Tensor?])
    /// Output 0 is input 0 under another type.
    case view(TensorType, Fact?)
    case kernel(Call, types: [TensorType?], facts: [Fact])
  }

  /// One use of an operator in a plan.
  struct Use: Sendable {
    let op: any Operator
    let schema: Schema
    let inputs: [Int?]
    /// Which outputs are wanted.
    let wanted: [Bool]
    /// Where calls of a node of the program are kept.
    let cacheAt: Int?
    let isExpanded: Bool
    let hasSubgraphs: Bool
  }

  /// Plans one operator; the slots of its outputs, nil for unwanted ones.
  mutating func addOperator(
    _ use: Use, _ captured: [Int?], node: Int
  ) throws(EngineError) -> [Int?] {
    let inputs = use.inputs
    let (outcome, facts) = try settle(use)
    switch outcome {
    case .dynamic:
      entries = nil
      return addDynamic(use.op, inputs, captured, use.wanted, node)
    case .expanded:
      // Its own operators may depend on sizes: all of them are planned afresh where one changes.
      let before = entries
      entries = []
      let results = try addComposite(use.op, inputs, facts, use.wanted, node)
      entries = entries == nil ? nil : before
      entries?.append(Entry(use, .whole))
      return results
    case .constants(let tensors):
      let made = tensors.map { $0.map { addConstant($0) } }
      entries?.append(Entry(use, .constants(made)))
      return made
    case .view(let type, let fact):
      guard let source = inputs.first.flatMap({ $0 }) else {
        throw EngineError(.internalDefect, "a view needs an input")
      }
      var slot = Slot(state: .planned(type), place: .view(of: source, type, offset: 0))
      slot.fact = fact
      let made = addSlot(slot)
      entries?.append(Entry(use, .view(made)))
      return [made]
    case .kernel(let call, let types, let facts):
      entries?.append(Entry(use, .kernel(time: steps.count)))
      return addKernel(call, inputs, types, facts, node)
    }
  }

  /// Finds out what becomes of an operator; also the facts of its inputs.
  func settle(_ use: Use) throws(EngineError) -> (Outcome, facts: [Fact?]) {
    let (op, schema, inputs, wanted) = (use.op, use.schema, use.inputs, use.wanted)
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
    if isDynamic || use.hasSubgraphs || inputTypes.contains(where: { $0?.dtype == .string }) {
      return (.dynamic, facts)
    }
    if use.isExpanded { return (.expanded, facts) }
    let results = try op.infer(Inference(inputs: facts, outputCount: wanted.count))
    if let known = constants(results, wanted) { return (.constants(known), facts) }
    var types: [TensorType?] = []
    types.reserveCapacity(wanted.count)
    for (k, w) in wanted.enumerated() {
      guard w else {
        types.append(nil)
        continue
      }
      guard k < results.count, let t = results[k].tensorType, t.dtype != .string else {
        return (.dynamic, facts)
      }
      types.append(t)
    }
    // A result that no budget allows is refused before anything is allocated for it.
    for case let t? in types {
      try program.session.checkBudget(t.byteCount, for: "a result of \(t)")
    }
    if let folded = foldSmall(op, schema, inputs, types) { return (.constants(folded), facts) }
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
      return (.dynamic, facts)
    }
    let call = try bind(op, inputTypes, types, constants, use.cacheAt)
    switch call.prepared.kind {
    case .dynamic: return (.dynamic, facts)
    case .view:
      guard let type = types[0] else {
        throw EngineError(.internalDefect, "a view needs an output")
      }
      return (.view(type, results[0].withContents), facts)
    case .kernel: return (.kernel(call, types: types, facts: results), facts)
    }
  }

  /// The outputs, when inference knows all contents.
  private func constants(_ results: [Fact], _ wanted: [Bool]) -> [Tensor?]? {
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
    return tensors
  }

  /// Runs an operator on small constants now.
  private func foldSmall(
    _ op: any Operator, _ schema: Schema, _ inputs: [Int?], _ types: [TensorType?]
  ) -> [Tensor?]? {
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
    return tensors
  }

  private func knownTensor(_ slot: Int) -> Tensor? {
    if case .constant(let t) = slots[slot].state { return t }
    return slots[slot].fact?.integerTensor()
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
      slot.fact = k < results.count ? results[k].withContents : nil
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

extension Fact {
  /// The fact where it knows more than a type; else nil.
  var withContents: Fact? { elements == nil && constant == nil ? nil : self }
}
