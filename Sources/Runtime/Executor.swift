import Graphs
import Kernels
import Tensors

extension Plan {
  /// One run. `inputs` and `captured` have the types the plan was made for. `targets` holds, for
  /// each output, the caller's memory for it, or nil; it may be shorter. One that does not fit is
  /// an error, or passed over.
  func run(
    inputs: [Value?], captured: [Value?], targets: [Tensor?] = [], mustFit: Bool = true,
    _ settings: RunSettings, state given: RunState? = nil
  ) throws(EngineError) -> [Value?] {
    let session = settings.session
    let context = try contexts.take(self, session)
    let state = hasDynamicSteps ? given ?? RunState(settings) : nil
    var created = 0
    defer {
      state?.dynamicBytes -= created
      for (slot, _) in inputSlots { context.values[slot] = nil }
      for (slot, _) in capturedSlots { context.values[slot] = nil }
      for fresh in freshSlots { context.values[fresh.slot] = nil }
      for slot in dynamicSlots { context.values[slot] = nil }
      contexts.give(context, session)
    }
    for (slot, k) in inputSlots { context.values[slot] = inputs[k] }
    for (slot, k) in capturedSlots { context.values[slot] = captured[k] }
    for fresh in freshSlots {
      if let k = fresh.output, k < targets.count, let target = targets[k],
        try fits(target, k, mustFit), !fresh.holdsOthers || target.storage.isAligned
      {
        context.values[fresh.slot] = .tensor(
          target.type == fresh.type
            ? target : Tensor(Storage(viewing: target.storage, as: fresh.type)))
      } else {
        context.values[fresh.slot] = .tensor(Tensor(try session.allocate(fresh.type)))
      }
    }
    for (slot, addresses) in patches {
      guard case .tensor(let t)? = context.values[slot] else { continue }
      let bytes = t.storage.bytes
      for a in addresses { context.addresses[a.entry] = bytes + a.offset }
    }
    let pool = session.pool
    let checksNaN = session.options.checksNaN
    let profiler = settings.profiler
    var held = HeldArena(self, context, session.options)
    defer { held?.end() }
    for (i, step) in steps.enumerated() {
      try settings.control?.check()
      held?.begin(i)
      let started = profiler == nil ? 0 : monotonicNanoseconds()
      switch step {
      case .kernel(let k):
        try run(k, context, pool)
        if checksNaN { try checkNaN(k, context) }
        if let profiler { record(k, profiler, since: started) }
      case .dynamic(let d):
        guard let state else { continue }
        created += try run(d, context, state, into: memory(for: d, targets, inputs))
        if checksNaN { try checkNaN(d, context) }
        if let profiler {
          var output = ""
          if let slot = d.outputs.first.flatMap({ $0 }), case .tensor(let t)? = context.values[slot]
          {
            output = "\(t.type)"
          }
          profiler.record(
            node: nodeNames[d.node], operatorName: operatorNames[d.node], kernel: "dynamic",
            output: output, start: started, end: monotonicNanoseconds())
        }
      }
    }
    var results: [Value?] = []
    results.reserveCapacity(outputs.count)
    for (k, slot) in outputs.enumerated() {
      let target = k < targets.count ? targets[k] : nil
      results.append(try result(slot, context, into: target, mustFit, session))
    }
    return results
  }

  /// Runs a planned node.
  @inline(__always)
  func run(_ k: KernelStep, _ context: RunContext, _ pool: ThreadPool) throws(EngineError) {
    let base = context.addresses + k.firstAddress
    do throws(EngineError) {
      try k.call.prepared.run(
        Memory(
          inputs: UnsafePointer(base), outputs: UnsafePointer(base + k.inputCount),
          scratch: context.arenaBytes + k.scratchOffset, pool: pool))
    } catch { throw error.at(node: nodeNames[k.node], operatorName: operatorNames[k.node]) }
  }

  func record(_ k: KernelStep, _ profiler: Profiler, since start: UInt64) {
    profiler.record(
      node: nodeNames[k.node], operatorName: operatorNames[k.node],
      kernel: k.call.prepared.label,
      output: k.call.outputs.first.flatMap { $0 }.map { "\($0)" } ?? "",
      start: start, end: monotonicNanoseconds(), call: k.call)
  }

  /// The caller's memory for outputs of the run that a dynamic node makes; none where it overlaps
  /// an input, which may be read later.
  private func memory(
    for d: DynamicStep, _ targets: [Tensor?], _ inputs: [Value?]
  ) -> [Tensor?] {
    if targets.isEmpty { return [] }
    return d.outputs.map { slot in
      guard let slot, let k = outputs.firstIndex(of: slot), k < targets.count,
        let target = targets[k]
      else { return nil }
      let (start, end) = (target.storage.bytes, target.storage.bytes + target.byteCount)
      let overlaps = inputs.contains { v in
        guard let v else { return false }
        guard case .tensor(let t) = v else { return true }
        return t.dtype != .string && t.storage.bytes < end
          && start < t.storage.bytes + t.byteCount
      }
      return overlaps ? nil : target
    }
  }

  /// Runs a dynamic node; bytes it made minus bytes released.
  private func run(
    _ d: DynamicStep, _ context: RunContext, _ state: RunState, into targets: [Tensor?]
  ) throws(EngineError) -> Int {
    do throws(EngineError) {
      var inputs: [Value?] = []
      for slot in d.inputs {
        inputs.append(slot == nil ? nil : try value(slot ?? 0, context))
      }
      var captured: [Value?] = []
      for slot in d.captured {
        captured.append(slot == nil ? nil : try value(slot ?? 0, context))
      }
      let results = try d.calls.run(
        d.op, inputs, captured: captured, lasting: d.lasting, outputs: d.outputs.count,
        targets: targets, state: state)
      guard results.count >= d.outputs.count else {
        throw EngineError(.internalDefect, "an operator made too few outputs")
      }
      var bytes = 0
      for (slot, result) in zip(d.outputs, results) {
        guard let slot else { continue }
        context.values[slot] = result
        bytes += result?.byteCount ?? 0
      }
      for slot in d.releases {
        if case .dynamic = places[slot] { bytes -= context.values[slot]?.byteCount ?? 0 }
        context.values[slot] = nil
      }
      state.dynamicBytes += bytes
      return bytes
    } catch { throw error.at(node: nodeNames[d.node], operatorName: operatorNames[d.node]) }
  }

  /// What a slot holds, as a value that may outlive the step.
  private func value(_ slot: Int, _ context: RunContext) throws(EngineError) -> Value? {
    guard case .view(_, let type, _) = places[slot] else { return context.values[slot] }
    let (root, offset) = Plan.resolve(slot, places)
    guard case .tensor(let t)? = context.values[root] else { return nil }
    return .tensor(Tensor(Storage(viewing: t.storage, as: type, from: offset)))
  }

  /// An output. Memory the caller lent is copied: the result must not depend on the caller, but
  /// for what he gave to write to.
  private func result(
    _ slot: Int, _ context: RunContext, into target: Tensor?, _ mustFit: Bool,
    _ session: SessionState
  ) throws(EngineError) -> Value? {
    let value = try value(slot, context)
    if let target, case .tensor(let t)? = value, t.type == target.type, t.dtype != .string {
      if t.storage.bytes != target.storage.bytes {
        target.storage.bytes.copyMemory(from: t.storage.bytes, byteCount: t.byteCount)
      }
      return .tensor(target)
    }
    if let target, mustFit {
      throw EngineError(
        .shape, "an output does not fit the memory given for it", expected: "\(target.type)",
        received: value.map { describe($0) } ?? "nothing")
    }
    return try value.map { (v) throws(EngineError) in try independent(v, session) }
  }

  /// The value with copies of what lies in lent memory.
  private func independent(
    _ value: Value, _ session: SessionState
  ) throws(EngineError) -> Value {
    switch value {
    case .tensor(let t):
      guard t.storage.isLent else { return value }
      let copy = try session.allocate(t.type)
      copy.bytes.copyMemory(from: t.storage.bytes, byteCount: t.byteCount)
      return .tensor(Tensor(copy))
    case .sequence(let list):
      var copies: [Value] = []
      copies.reserveCapacity(list.count)
      for v in list { copies.append(try independent(v, session)) }
      return .sequence(copies)
    case .optional(let v):
      guard let v else { return value }
      return .optional(try independent(v, session))
    case .map(let m):
      let keys = try independent(.tensor(m.keys), session).asTensor()
      return .map(MapValue(keys: keys, values: try independent(m.values, session)))
    }
  }

  func checkNaN(_ k: KernelStep, _ context: RunContext) throws(EngineError) {
    let base = context.addresses + k.firstAddress
    for (i, type) in k.call.outputs.enumerated() {
      guard let type else { continue }
      try reportNonFinite(type, base[k.inputCount + i], k.node, output: i)
    }
  }

  /// Whether the memory given for output `k` fits it.
  private func fits(_ target: Tensor, _ k: Int, _ mustFit: Bool) throws(EngineError) -> Bool {
    let slot = outputs[k]
    var type: TensorType?
    switch places[slot] {
    case .fresh(let t), .view(_, let t, _): type = t
    default: break
    }
    if type == target.type { return true }
    guard mustFit else { return false }
    throw EngineError(
      .shape, "an output does not fit the memory given for it", expected: "\(target.type)",
      received: type.map { "\($0)" } ?? "nothing")
  }

  private func describe(_ value: Value) -> String {
    if case .tensor(let t) = value { "\(t.type)" } else { value.kind }
  }

  private func checkNaN(_ d: DynamicStep, _ context: RunContext) throws(EngineError) {
    for (i, slot) in d.outputs.enumerated() {
      guard let slot, case .tensor(let t)? = context.values[slot] else { continue }
      try reportNonFinite(t.type, t.storage.bytes, d.node, output: i)
    }
  }

  private func reportNonFinite(
    _ type: TensorType, _ bytes: UnsafeMutableRawPointer, _ node: Int, output: Int
  ) throws(EngineError) {
    guard let place = firstNonFinite(type, bytes) else { return }
    throw EngineError(
      .value, "output \(output) of \(type) has a NaN or an infinity at element \(place)",
      subject: .init(node: nodeNames[node], operatorName: operatorNames[node]))
  }
}

/// The place of the first element that is a NaN or an infinity; nil for dtypes that have none.
func firstNonFinite(_ type: TensorType, _ bytes: UnsafeMutableRawPointer) -> Int? {
  let n = type.count
  switch type.dtype {
  case .float32:
    let p = bytes.assumingMemoryBound(to: Float.self)
    return (0..<n).first { !p[$0].isFinite }
  case .float64:
    let p = bytes.assumingMemoryBound(to: Double.self)
    return (0..<n).first { !p[$0].isFinite }
  case .float16:
    let p = bytes.assumingMemoryBound(to: Float16.self)
    return (0..<n).first { !p[$0].isFinite }
  case .bfloat16:
    let p = bytes.assumingMemoryBound(to: BFloat16.self)
    return (0..<n).first { !p[$0].float.isFinite }
  default: return nil
  }
}

extension Value {
  /// Bytes of all tensors within, strings by their text.
  var byteCount: Int {
    switch self {
    case .tensor(let t):
      t.dtype == .string ? t.strings.reduce(0) { $0 + $1.utf8.count + 16 } : t.byteCount
    case .sequence(let list): list.reduce(0) { $0 + $1.byteCount }
    case .optional(let v): v?.byteCount ?? 0
    case .map(let m): m.keys.byteCount + m.values.byteCount
    }
  }
}
