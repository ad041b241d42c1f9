import Kernels
import Tensors
import Testing

/// One recurrent layer with its operands, for both the packed kernel and the plain one.
struct RecurrentCase: CustomStringConvertible {
  var cell = RecurrentKernel.Cell.lstm(couplesForget: false)
  var steps = 5
  var batch = 1
  var input = 4
  var hidden = 8
  var isReverse = [false]
  var activations: [CellActivation]?
  var clip: Float?
  var isBatchFirst = false
  var hasBias = true
  var lengths: [Int32]?
  var hasStates = false
  var hasPeepholes = false
  var wantsY = true

  var description: String {
    "\(cell) \(steps)x\(batch)x\(input)x\(hidden) \(isReverse) clip \(clip ?? -1)"
      + " \(activations.map { "\($0)" } ?? "") first \(isBatchFirst) bias \(hasBias)"
      + " lengths \(lengths ?? []) states \(hasStates) peepholes \(hasPeepholes) y \(wantsY)"
  }

  /// Numbers in -1...1 that look random, the same for every run.
  static func values(_ count: Int, _ seed: Int, scale: Float = 1) -> [Float] {
    var state = UInt32(truncatingIfNeeded: seed &* 747_796_405 &+ 2_891_336_453)
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return (Float(state >> 8) / Float(1 << 23) - 1) * scale
    }
  }

  struct Results: Equatable {
    var y: [Float] = []
    var h: [Float] = []
    var c: [Float] = []
  }

  var directions: Int { isReverse.count }
  var layer: RecurrentKernel {
    let standard: [CellActivation] =
      switch cell {
      case .rnn: [.tanh]
      case .gru: [.sigmoid, .tanh]
      case .lstm: [.sigmoid, .tanh, .tanh]
      }
    return RecurrentKernel(
      cell: cell, steps: steps, batch: batch, input: input, hidden: hidden, isReverse: isReverse,
      activations: activations ?? isReverse.flatMap { _ in standard }, clip: clip,
      isBatchFirst: isBatchFirst)
  }

  /// The operands' values. Weights are scaled so that sums stay near 1.
  private var operands: [[Float]] {
    let rows = cell.gates * hidden
    func scale(_ n: Int) -> Float { 1 / Float(n).squareRoot() }
    return [
      RecurrentCase.values(steps * batch * input, 1),
      RecurrentCase.values(directions * rows * input, 2, scale: scale(input)),
      RecurrentCase.values(directions * rows * hidden, 3, scale: scale(hidden)),
      RecurrentCase.values(directions * 2 * rows, 4, scale: 0.3),
      RecurrentCase.values(directions * batch * hidden, 5),
      RecurrentCase.values(directions * batch * hidden, 6),
      RecurrentCase.values(directions * 3 * hidden, 7, scale: 0.5),
    ]
  }

  /// Runs in memory that ends where nobody may read or write.
  private func run<T: BinaryFloatingPoint>(
    _: T.Type,
    _ body: (RecurrentKernel.Operands, UnsafePointer<T>, UnsafePointer<T>) throws -> Void
  ) throws -> Results {
    let memory = try operands.map { values in
      let m = try #require(GuardedMemory(bytes: values.count * MemoryLayout<T>.stride))
      let p = m.start.assumingMemoryBound(to: T.self)
      for (i, v) in values.enumerated() { p[i] = T(v) }
      return m
    }
    let states = directions * batch * hidden
    let counts = [steps * states, states, states]
    let results = try counts.map { count in
      let m = try #require(GuardedMemory(bytes: count * MemoryLayout<T>.stride))
      let p = m.start.assumingMemoryBound(to: T.self)
      for i in 0..<count { p[i] = .nan }
      return m
    }
    let lengthMemory = try #require(GuardedMemory(bytes: batch * 4))
    var o = RecurrentKernel.Operands(
      x: memory[0].start, w: memory[1].start, r: memory[2].start)
    if hasBias { o.bias = UnsafeRawPointer(memory[3].start) }
    if hasStates { o.initialH = UnsafeRawPointer(memory[4].start) }
    if hasStates, cell.gates == 4 { o.initialC = UnsafeRawPointer(memory[5].start) }
    if hasPeepholes, cell.gates == 4 { o.peepholes = UnsafeRawPointer(memory[6].start) }
    if let lengths {
      let p = lengthMemory.start.assumingMemoryBound(to: Int32.self)
      for (i, n) in lengths.enumerated() { p[i] = n }
      o.lengths = UnsafePointer(p)
    }
    if wantsY { o.y = results[0].start }
    o.lastH = results[1].start
    if cell.gates == 4 { o.lastC = results[2].start }
    try body(
      o, UnsafePointer(memory[1].start.assumingMemoryBound(to: T.self)),
      UnsafePointer(memory[2].start.assumingMemoryBound(to: T.self)))
    func read(_ i: Int, _ isWanted: Bool) -> [Float] {
      guard isWanted else { return [] }
      let p = results[i].start.assumingMemoryBound(to: T.self)
      return (0..<counts[i]).map { Float(p[$0]) }
    }
    withExtendedLifetime((memory, lengthMemory)) {}
    return Results(y: read(0, wantsY), h: read(1, true), c: read(2, cell.gates == 4))
  }

  /// By the packed kernel.
  func packed(_ isa: InstructionSet, threads: Int = 1) throws -> Results {
    try run(Float.self) { o, w, r in
      let kernel = PackedRecurrentKernel(
        layer,
        w: try RecurrentWeights(
          inputs: w, cell, directions: directions, depth: input, hidden: hidden),
        r: try RecurrentWeights(states: r, cell, directions: directions, hidden: hidden),
        hasLengths: lengths != nil, threads: threads, isa: isa)
      let scratch = try #require(GuardedMemory(bytes: kernel.scratchBytes))
      let floats = scratch.start.assumingMemoryBound(to: Float.self)
      for i in 0..<kernel.scratchBytes / 4 { floats[i] = .nan }
      try kernel.run(o, scratch: scratch.start, pool: ThreadPool(threads: threads))
    }
  }

  /// By the plain kernel in float64.
  func plain() throws -> Results {
    try run(Double.self) { o, _, _ in
      let scratch = try #require(GuardedMemory(bytes: layer.scratchBytes(.float64)))
      try layer.run(.float64, o, scratch: scratch.start, pool: .single)
    }
  }
}
