import Graphs
import Operators
import Tensors

/// The walk back over a tape's records.
struct Backpropagation {
  let context: TapeContext
  /// By number of the value.
  private var gradients: ContiguousArray<Tensor?>
  private var isNeeded: ContiguousArray<Bool>
  /// Whether the gradients are recorded themselves, to be differentiated again.
  let isRecorded: Bool
  /// Whether the memory of what was walked is given up on the way.
  let releases: Bool

  /// - `start`: the first record that counts. - `targets`: numbers of the values to derive by.
  init(
    _ context: TapeContext, from start: Int, targets: [Int], isRecorded: Bool, releases: Bool
  ) {
    self.context = context
    self.isRecorded = isRecorded
    self.releases = releases && !isRecorded
    gradients = ContiguousArray(repeating: nil, count: context.tape.values.count)
    isNeeded = ContiguousArray(repeating: false, count: context.tape.values.count)
    for t in targets { isNeeded[t] = true }
    markNeeded(start..<context.tape.records.count)
  }

  private mutating func markNeeded(_ range: Range<Int>) {
    let tape = context.tape
    for i in range {
      let r = tape.records[i]
      var needed = r.custom?.alwaysRuns == true
      for k in Int(r.firstInput)..<Int(r.firstInput + r.inputCount) where !needed {
        if let t = tape.inputs[k], let n = tape.number(t), isNeeded[n] { needed = true }
      }
      guard needed else { continue }
      for n in Int(r.firstOutput)..<Int(r.firstOutput + r.outputCount) { isNeeded[n] = true }
    }
  }

  /// Whether value `n` depends on a target.
  func needs(_ n: Int) -> Bool { isNeeded[n] }
  func gradient(_ n: Int) -> Tensor? { gradients[n] }

  mutating func add(_ gradient: Tensor, to n: Int) throws {
    guard let sum = gradients[n] else {
      gradients[n] = gradient
      return
    }
    gradients[n] =
      isRecorded
      ? try Taped(context: context).apply(Add(), sum, gradient)
      : try context.eager.apply(Add(), sum, gradient)
  }

  /// Applies the hooks of value `n` to its gradient, once it is whole.
  private mutating func applyHooks(_ n: Int) throws {
    guard let hooks = context.tape.hooks[n] else { return }
    for hook in hooks {
      guard let g = gradients[n] else { return }
      if let changed = try hook(g) {
        guard changed.type == g.type else {
          throw EngineError(
            .shape, "a hook returned another type of gradient", expected: "\(g.type)",
            received: "\(changed.type)")
        }
        gradients[n] = changed
      }
    }
  }

  /// Walks the records of `range`, the last first.
  mutating func run(_ range: Range<Int>) throws {
    let tape = context.tape
    for i in range.reversed() {
      let r = tape.records[i]
      let outputs = Int(r.firstOutput)..<Int(r.firstOutput + r.outputCount)
      if !tape.hooks.isEmpty { for n in outputs { try applyHooks(n) } }
      if outputs.contains(where: { gradients[$0] != nil && isNeeded[$0] }) {
        if let custom = r.custom {
          try custom.run(&self, tape.inputs(of: r), outputs.map { gradients[$0] })
        } else {
          try step(r, outputs)
        }
      }
      if releases {
        for n in outputs { gradients[n] = nil }
        tape.release(r)
      }
    }
  }

  private mutating func step(_ r: Tape.Record, _ outputs: Range<Int>) throws {
    guard let call = r.call else { return }
    let tape = context.tape
    let inputs = tape.inputs(of: r)
    var needed: UInt64 = 0
    for k in 0..<min(inputs.count, 64) {
      if let t = inputs[k], let n = tape.number(t), isNeeded[n], t.dtype.isFloat {
        needed |= 1 << UInt64(k)
      }
    }
    let upstreams: Few<Tensor?> =
      outputs.count == 1
      ? Few(gradients[outputs.lowerBound]) : Few(outputs.map { gradients[$0] })
    var g = Backward(
      inputs: inputs, outputs: tape.outputs(of: r), upstreams: upstreams, needed: needed)
    do throws(EngineError) {
      if isRecorded {
        try call.op.gradient(Taped(context: context), &g)
      } else {
        try call.op.gradientEagerly(context.eager, &g)
      }
    } catch {
      throw error.at(operatorName: type(of: call.op).schema.name)
    }
    if let inspect = context.inspect {
      try inspect(
        type(of: call.op).schema.name, true, inputs.array + upstreams.array,
        (0..<inputs.count).map { g.result($0) })
    }
    for k in 0..<inputs.count where k >= 64 || needed >> UInt64(k) & 1 == 1 {
      guard let t = inputs[k], let n = tape.number(t), isNeeded[n], let part = g.result(k) else {
        continue
      }
      try add(part, to: n)
    }
  }

  /// Applies the hooks of values that no record makes.
  mutating func finish(_ targets: [Int]) throws {
    if context.tape.hooks.isEmpty { return }
    for n in targets { try applyHooks(n) }
  }

  /// Runs a piece of the program again, recorded, and walks back through it: for checkpoints.
  /// `seeds` are the gradients of what `body` returns.
  mutating func replay(_ seeds: [Tensor?], _ body: () throws -> [Tensor]) throws {
    let tape = context.tape
    let first = tape.records.count
    let before = context.pauses
    context.pauses = 0
    defer { context.pauses = before }
    let outputs = try body()
    let grown = tape.values.count - gradients.count
    gradients.append(contentsOf: repeatElement(nil, count: grown))
    isNeeded.append(contentsOf: repeatElement(false, count: grown))
    markNeeded(first..<tape.records.count)
    for (output, seed) in zip(outputs, seeds) {
      if let seed, let n = tape.number(output) { try add(seed, to: n) }
    }
    if !isRecorded { context.pauses = 1 }
    try run(first..<tape.records.count)
  }
}
