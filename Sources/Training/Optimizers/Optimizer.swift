import Kernels
import Tensors

/// Updates a model's parameters by a rule.
///
/// All parameters of one element type and their states lie side by side in blocks, and each step
/// writes the new parameters into a second block: tensors taken before keep their contents, and
/// nothing is allocated as long as nobody holds them.
///
/// ```swift
/// let optimizer = try Optimizer(model, .keras.adam(learningRate: 3e-4))
/// for batch in batches {
///   let (loss, gradients) = try valueAndGradient(of: model) { try loss($0, batch) }
///   try optimizer.update(gradients.clipped(globalNorm: 1))
/// }
/// ```
public final class Optimizer {
  /// Parameters with settings of their own.
  public struct Group {
    /// Names of parameters, `*` standing for any characters.
    public var pattern: String
    /// What the learning rate is multiplied by.
    public var rateFactor: Double
    /// Instead of the rule's; nil keeps it.
    public var weightDecay: Double?

    public init(_ pattern: String, rateFactor: Double = 1, weightDecay: Double? = nil) {
      self.pattern = pattern
      self.rateFactor = rateFactor
      self.weightDecay = weightDecay
    }
  }

  public let rule: OptimizerRule
  /// The learning rate of each step, from the number of steps done; nil for the rule's.
  public var schedule: Schedule?
  /// Steps done.
  public internal(set) var steps = 0
  var memory: [Double]
  var slots: [Slot] = []
  var blocks: [DType: StateBlocks] = [:]
  private var placeOf: [ObjectIdentifier: Int] = [:]

  /// One parameter with its place in its blocks.
  struct Slot {
    let parameter: Parameter
    let start: Int
    let count: Int
    let rateFactor: Double
    let weightDecay: Double
    /// The states of rules that work on whole tensors.
    var states: [Tensor] = []
    var isStarted = false
  }

  /// The memory of all parameters of one element type.
  struct StateBlocks {
    var current: FlatBlock
    var spare: FlatBlock
    let states: [FlatBlock]
    let kernel: StepKernel?
  }

  /// - `groups`: the first whose pattern fits a parameter counts.
  /// - Errors: `.usage` for a model without parameters or a pattern that fits none, `.dtype` for
  ///   parameters that are neither float32 nor float64, `.value` for a learning rate that is no
  ///   number from 0, `.budget`.
  public convenience init(
    _ model: Module, _ rule: OptimizerRule, schedule: Schedule? = nil, groups: [Group] = []
  ) throws {
    try self.init(model.parameters, rule, schedule: schedule, groups: groups)
  }

  /// The same for parameters without a model.
  public init(
    _ parameters: [Parameter], _ rule: OptimizerRule, schedule: Schedule? = nil,
    groups: [Group] = []
  ) throws {
    guard !parameters.isEmpty else {
      throw EngineError(
        .usage, "an optimiser without parameters", expected: "a model with parameters",
        hint: "modules and parameters must be stored properties")
    }
    guard rule.learningRate >= 0, rule.learningRate.isFinite else {
      throw EngineError(
        .value, "the learning rate is no number from 0", received: "\(rule.learningRate)")
    }
    for g in groups where !parameters.contains(where: { matches($0.name, g.pattern) }) {
      throw EngineError(
        .usage, "no parameter has a name that fits '\(g.pattern)'",
        expected: nearest(g.pattern, to: parameters.map(\.name)).joined(separator: ", "))
    }
    self.rule = rule
    self.schedule = schedule
    memory = rule.initialMemory
    var ends: [DType: Int] = [:]
    for p in parameters {
      let group = groups.first { matches(p.name, $0.pattern) }
      let start = ends[p.value.dtype] ?? 0
      placeOf[ObjectIdentifier(p)] = slots.count
      slots.append(
        Slot(
          parameter: p, start: start, count: p.value.count, rateFactor: group?.rateFactor ?? 1,
          weightDecay: group?.weightDecay ?? rule.weightDecay))
      // Parameters begin at multiples of a cache line.
      ends[p.value.dtype] = start + (p.value.count + 15) / 16 * 16
    }
    for (dtype, count) in ends { blocks[dtype] = try makeBlocks(dtype, count) }
    for i in slots.indices where isElementwise { try begin(i) }
  }

  private var isElementwise: Bool { if case .elements = rule.form { true } else { false } }

  private func makeBlocks(_ dtype: DType, _ count: Int) throws -> StateBlocks {
    let current = try FlatBlock(dtype, count: count)
    let spare = try FlatBlock(dtype, count: count)
    var states: [FlatBlock] = []
    var kernel: StepKernel?
    if case .elements(let step, _) = rule.form {
      kernel = StepKernel(step, dtype)
      for i in 0..<step.stateCount {
        let initial = i < rule.initialStates.count ? rule.initialStates[i] ?? 0 : 0
        states.append(try FlatBlock(dtype, count: count, filledWith: initial))
      }
    }
    return StateBlocks(current: current, spare: spare, states: states, kernel: kernel)
  }

  /// States that begin as the parameter.
  private func begin(_ i: Int) throws {
    let p = slots[i].parameter.value
    guard let b = blocks[p.dtype] else { return }
    for (state, initial) in zip(b.states, rule.initialStates) where initial == nil {
      state.copy(p, to: slots[i].start)
    }
  }

  /// The learning rate of the next step.
  public var learningRate: Double { schedule?(steps) ?? rule.learningRate }

  /// One step. Parameters without a gradient, and frozen ones, stay as they are.
  ///
  /// Errors: `.usage` for gradients of other parameters; `.shape` for a gradient that does not fit
  /// its parameter, or a parameter whose type changed.
  public func update(
    _ gradients: Gradients, file: StaticString = #fileID, line: UInt = #line
  ) throws {
    try located(file, line) {
      var list = [Tensor?](repeating: nil, count: slots.count)
      for (k, p) in gradients.parameters.enumerated() {
        guard let g = gradients.values[k] else { continue }
        // Gradients usually come in the optimiser's own order.
        let isThere = k < slots.count && slots[k].parameter === p
        guard let i = isThere ? k : placeOf[ObjectIdentifier(p)] else {
          throw EngineError(
            .usage, "the optimiser does not know the parameter '\(p.name)'",
            expected: "gradients of the model it was made for")
        }
        guard g.type == p.value.type, p.value.count == slots[i].count else {
          throw EngineError(
            .shape, "the gradient of '\(p.name)' does not fit it", expected: "\(p.value.type)",
            received: "\(g.type)")
        }
        list[i] = p.isTrainable ? g : nil
      }
      try withoutGradient { try step(list) }
    }
  }

  private func step(_ gradients: [Tensor?]) throws {
    let base = OptimizerRule.Step(number: steps + 1, learningRate: learningRate, memory: memory)
    guard base.learningRate.isFinite else {
      throw EngineError(
        .value, "the schedule gave no learning rate", received: "\(base.learningRate)")
    }
    for dtype in blocks.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
      try step(dtype, gradients, base)
    }
    steps += 1
  }

  private func step(_ dtype: DType, _ gradients: [Tensor?], _ base: OptimizerRule.Step) throws {
    // Taken out of the table, so that only tensors of the spare block hold it beside this.
    guard var b = blocks.removeValue(forKey: dtype) else { return }
    defer { blocks[dtype] = b }
    if !isKnownUniquelyReferenced(&b.spare) {
      b.spare = try FlatBlock(dtype, count: b.spare.count)
    }
    var started: [(Int, [Tensor])] = []
    for i in slots.indices where slots[i].parameter.value.dtype == dtype {
      let slot = slots[i]
      let w = slot.parameter.value
      guard let g = gradients[i] else {
        b.spare.copy(w, to: slot.start)
        continue
      }
      var now = base
      now.learningRate *= slot.rateFactor
      switch rule.form {
      case .elements(_, let coefficients):
        var a = InlineArray<12, Double>(repeating: 0)
        coefficients(&now, &a)
        a[0] = rule.isDecayDecoupled ? 1 - now.learningRate * slot.weightDecay : 1
        a[1] = rule.isDecayDecoupled ? 0 : slot.weightDecay
        b.kernel?.run(
          count: slot.count, parameters: w.storage.bytes, gradients: g.storage.bytes,
          result: b.spare.address(slot.start), states: b.states.map { $0.address(slot.start) },
          coefficients: a, TapeContext.current.eager.pool)
        memory = now.memory
      case .tensors(let states, let update):
        let shrink = 1 - now.learningRate * slot.weightDecay
        let kept = shrink == 1 ? w.detached() : try w * shrink
        var mine = slot.isStarted ? slot.states : try states(w)
        b.spare.copy(try update(kept, g, &mine, now), to: slot.start)
        started.append((i, mine))
      }
    }
    // Nothing changes where one update threw.
    for (i, states) in started {
      slots[i].states = states
      slots[i].isStarted = true
    }
    for slot in slots where slot.parameter.value.dtype == dtype {
      slot.parameter.value = b.spare.tensor(slot.parameter.value.shape, from: slot.start)
    }
    swap(&b.current, &b.spare)
  }
}
