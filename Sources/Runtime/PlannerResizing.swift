import Graphs
import Kernels
import Tensors

// A plan for other sizes. What a plan is made of (steps, their order, which slots they read and
// write, lifetimes) seldom depends on sizes: it is taken from a plan that was made before. Only
// operators behind an input that changed are looked at, and kernels that can be made anew for other
// sizes by arithmetic alone (`Prepared.resize`) are.
extension Planner {
  /// How an operator was planned.
  struct Entry: Sendable {
    enum Made: Sendable {
      case kernel(time: Int)
      case view(Int)
      case constants([Int?])
      /// By the operators it stands for.
      case whole
    }
    let use: Use
    let made: Made

    init(_ use: Use, _ made: Made) {
      self.use = use
      self.made = made
    }
  }

  /// A plan before anything got its place, for plans of other sizes.
  struct Draft: Sendable {
    private let slots: [Slot]
    private let steps: [Plan.Step]
    private let addressSlots: [Int]
    private let nodeNames: [String]
    private let operatorNames: [String]
    private let entries: [Entry]
    private let outputs: [Int]
    private let key: PlanKey

    /// Nil for a plan that other sizes would change.
    init?(_ planner: Planner, key: PlanKey, outputs: [Int]) {
      guard let entries = planner.entries else { return nil }
      (slots, steps, addressSlots) = (planner.slots, planner.steps, planner.addressSlots)
      (nodeNames, operatorNames) = (planner.nodeNames, planner.operatorNames)
      (self.entries, self.key, self.outputs) = (entries, key, outputs)
    }

    /// The plan for these inputs; nil where it has to be made from the start.
    ///
    /// Errors: whatever operators throw, without the node: planning from the start says more.
    func resized(
      _ program: Program, _ inputs: [Value?], _ captured: [Value?], _ outputs: [ValueID]
    ) throws(EngineError) -> Plan? {
      guard key.differsInSizesOnly(inputs, captured, outputs, program.session) else { return nil }
      var planner = Planner(program, slotOf: [])
      (planner.slots, planner.steps, planner.addressSlots) = (slots, steps, addressSlots)
      (planner.nodeNames, planner.operatorNames) = (nodeNames, operatorNames)
      guard try planner.resize(entries, inputs, captured) else { return nil }
      return try planner.finish(self.outputs)
    }
  }

  /// Takes over new sizes of inputs; false where steps would change.
  private mutating func resize(
    _ entries: [Entry], _ inputs: [Value?], _ captured: [Value?]
  ) throws(EngineError) -> Bool {
    var changed = [Bool](repeating: false, count: slots.count)
    for i in slots.indices {
      var value: Value?
      switch slots[i].place {
      case .input(let k): value = inputs[k]
      case .captured(let k): value = captured[k]
      default: continue
      }
      guard case .tensor(let t)? = value else { return false }
      setType(i, t.type, nil, &changed)
    }
    for entry in entries {
      guard entry.use.inputs.contains(where: { $0.map { changed[$0] } ?? false }) else { continue }
      if case .kernel(let time) = entry.made, try resizeKernel(time, &changed) { continue }
      let outcome = try settle(entry.use).0
      switch (outcome, entry.made) {
      case (.kernel(let call, let types, let facts), .kernel(let time)):
        guard case .kernel(var k) = steps[time] else { return false }
        let first = k.firstAddress + k.inputCount
        for (j, type) in types.enumerated() {
          guard let type else { continue }
          setType(addressSlots[first + j], type, facts[j].withContents, &changed)
        }
        k.call = call
        steps[time] = .kernel(k)
      case (.view(let type, let fact), .view(let slot)):
        guard case .view(let source, _, _) = slots[slot].place else { return false }
        setType(slot, type, fact, &changed)
        slots[slot].place = .view(of: source, type, offset: 0)
      case (.constants(let tensors), .constants(let made)):
        for case let (tensor?, slot?) in zip(tensors, made) {
          slots[slot].state = .constant(tensor)
          slots[slot].place = .constant(tensor)
          slots[slot].fact = nil
          changed[slot] = true
        }
      default: return false
      }
    }
    return true
  }

  /// Makes a step's kernel anew for other sizes of its inputs, by arithmetic; false where that
  /// cannot be done.
  private mutating func resizeKernel(
    _ time: Int, _ changed: inout [Bool]
  ) throws(EngineError) -> Bool {
    guard case .kernel(var k) = steps[time], let resize = k.call.resize else { return false }
    var types: [TensorType?] = []
    types.reserveCapacity(k.inputCount)
    for j in 0..<k.inputCount {
      let slot = addressSlots[k.firstAddress + j]
      types.append(slot < 0 ? nil : tensorType(slot))
      if slot >= 0, changed[slot], k.call.constants[j] != nil { return false }
    }
    guard let resized = resize(types) else { return false }
    let type = resized.output
    try program.session.checkBudget(type.byteCount, for: "a result of \(type)")
    k.call = Call(k.call, resized: resized, inputs: types)
    steps[time] = .kernel(k)
    setType(addressSlots[k.firstAddress + k.inputCount], type, nil, &changed)
    return true
  }

  private mutating func setType(
    _ slot: Int, _ type: TensorType, _ fact: Fact?, _ changed: inout [Bool]
  ) {
    if fact == nil, slots[slot].fact == nil, case .planned(type) = slots[slot].state { return }
    slots[slot].state = .planned(type)
    slots[slot].fact = fact
    changed[slot] = true
  }
}
