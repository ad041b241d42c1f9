import Glibc
import Graphs
import Kernels
import Tensors

/// A plan without dynamic steps, run in memory that its user supplies: a kernel's call is all that
/// is left of a step.
final class BoundPlan: BoundGraph {
  let outputTypes: [TensorType]
  private let plan: Plan
  private let settings: RunSettings
  private let context: RunContext
  private let kernels: [Plan.KernelStep]
  /// For each input, the addresses that follow it.
  private let inputAddresses: [[Plan.Address]]
  /// For each output that kernels write, the addresses of its memory; empty for the others.
  private let outputAddresses: [[Plan.Address]]
  private let sources: [Source]
  /// Outputs that no kernel writes.
  private let copied: [Int]
  private var inputs: [UnsafeMutableRawPointer]
  private var outputs: [UnsafeMutableRawPointer?]
  /// Memory for outputs that kernels write and nobody wants.
  private var spares: [Storage?]
  /// Whether such an output may point nowhere.
  private var lacksMemory = true

  /// Where an output's bytes are when the kernels are done.
  private enum Source {
    case written
    case input(Int)
    case output(Int)
    case bytes(UnsafeMutableRawPointer)
  }

  /// Nil for a plan that has to run on values.
  init?(
    _ plan: Plan, inputs: [TensorType?], captured: [Value?], _ settings: RunSettings
  ) throws(EngineError) {
    var kernels: [Plan.KernelStep] = []
    for step in plan.steps {
      guard case .kernel(let k) = step else { return nil }
      kernels.append(k)
    }
    var types: [TensorType] = []
    var sources: [Source] = []
    var outputOfSlot: [Int: Int] = [:]
    for (i, slot) in plan.outputs.enumerated() {
      let root = Plan.resolve(slot, plan.places).root
      var type: TensorType?
      switch plan.places[root] {
      case .fresh(let t):
        type = t
        sources.append(outputOfSlot[root].map { .output($0) } ?? .written)
        outputOfSlot[root] = outputOfSlot[root] ?? i
      case .input(let k):
        type = k < inputs.count ? inputs[k] : nil
        sources.append(.input(k))
      case .constant(let t):
        type = t.type
        sources.append(.bytes(t.storage.bytes))
      case .captured(let k):
        guard case .tensor(let t)? = captured[k] else { return nil }
        type = t.type
        sources.append(.bytes(t.storage.bytes))
      default: return nil
      }
      if case .view(_, let t, _) = plan.places[slot] { type = t }
      guard let type, type.dtype != .string else { return nil }
      types.append(type)
    }
    self.plan = plan
    self.settings = settings
    self.kernels = kernels
    self.sources = sources
    outputTypes = types
    copied = sources.indices.filter { if case .written = sources[$0] { false } else { true } }
    context = try plan.contexts.take(plan, settings.session)
    var inputAddresses = [[Plan.Address]](repeating: [], count: inputs.count)
    var outputAddresses = [[Plan.Address]](repeating: [], count: types.count)
    for (slot, addresses) in plan.patches {
      switch plan.places[slot] {
      case .input(let k) where k < inputs.count: inputAddresses[k] += addresses
      case .fresh: if let i = outputOfSlot[slot] { outputAddresses[i] += addresses }
      case .captured(let k):
        guard case .tensor(let t)? = captured[k] else { continue }
        for a in addresses { context.addresses[a.entry] = t.storage.bytes + a.offset }
      default: break
      }
    }
    self.inputAddresses = inputAddresses
    self.outputAddresses = outputAddresses
    self.inputs = [UnsafeMutableRawPointer](repeating: Storage.empty, count: inputs.count)
    outputs = [UnsafeMutableRawPointer?](repeating: nil, count: types.count)
    spares = [Storage?](repeating: nil, count: types.count)
  }

  deinit { plan.contexts.give(context, settings.session) }

  /// Bytes of memory that it holds while it lives.
  var memoryBytes: Int { plan.arenaBytes }

  func source(ofOutput i: Int) -> Int? {
    if case .input(let k) = sources[i] { k } else { nil }
  }

  func bindInput(_ i: Int, _ bytes: UnsafeMutableRawPointer) {
    inputs[i] = bytes
    for a in inputAddresses[i] { context.addresses[a.entry] = bytes + a.offset }
  }

  func bindOutput(_ i: Int, _ bytes: UnsafeMutableRawPointer?) {
    outputs[i] = bytes
    guard let bytes else {
      lacksMemory = true
      return
    }
    for a in outputAddresses[i] { context.addresses[a.entry] = bytes + a.offset }
  }

  /// Kernels write outputs that nobody wants to memory of the plan's own.
  private func supplyMemory() throws(EngineError) {
    for i in outputs.indices where outputs[i] == nil && !outputAddresses[i].isEmpty {
      if spares[i] == nil { spares[i] = try settings.session.allocate(outputTypes[i]) }
      guard let bytes = spares[i]?.bytes else { continue }
      for a in outputAddresses[i] { context.addresses[a.entry] = bytes + a.offset }
    }
    lacksMemory = false
  }

  /// Lends its working memory to other plans of the session until the next run.
  func lendMemory() {
    if let arena = context.releaseArena() { settings.session.arenas.give(arena) }
  }

  func run() throws(EngineError) { try run(control: nil) }

  /// `control` is asked between kernels.
  func run(control: RunControl?) throws(EngineError) {
    if lacksMemory { try supplyMemory() }
    if context.arena == nil {
      context.use(try settings.session.arenas.take(bytes: plan.arenaBytes), plan)
    }
    let pool = settings.session.pool
    let profiler = settings.profiler
    let checksNaN = settings.session.options.checksNaN
    if control == nil, profiler == nil, !checksNaN {
      for k in kernels { try plan.run(k, context, pool) }
    } else {
      for k in kernels {
        try control?.check()
        let started = profiler == nil ? 0 : monotonicNanoseconds()
        try plan.run(k, context, pool)
        if checksNaN { try plan.checkNaN(k, context) }
        if let profiler { plan.record(k, profiler, since: started) }
      }
    }
    for i in copied {
      guard let target = outputs[i] else { continue }
      let from: UnsafeMutableRawPointer? =
        switch sources[i] {
        case .input(let k): inputs[k]
        case .output(let k): outputs[k] ?? spares[k]?.bytes
        case .bytes(let bytes): bytes
        case .written: nil
        }
      if let from { memcpy(target, from, outputTypes[i].byteCount) }
    }
  }
}
