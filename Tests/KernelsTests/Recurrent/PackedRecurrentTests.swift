import Kernels
import Tensors
import Testing

@Suite struct PackedRecurrentTests {
  static let sets = InstructionSet.allCases.filter { $0 <= .detected && $0 != .avx512vnni }
  static let cells: [RecurrentKernel.Cell] = [
    .rnn, .gru(linearBeforeReset: true), .gru(linearBeforeReset: false),
    .lstm(couplesForget: false), .lstm(couplesForget: true),
  ]

  /// Every result of the packed kernel lies at the plain one's, relative to the largest.
  private func check(_ c: RecurrentCase, _ isa: InstructionSet, tolerance: Float = 2e-6) throws {
    let (found, wanted) = (try c.packed(isa), try c.plain())
    for (a, b) in [(found.y, wanted.y), (found.h, wanted.h), (found.c, wanted.c)] {
      #expect(a.count == b.count)
      let largest = b.reduce(1) { max($0, $1.magnitude) }
      let error = zip(a, b).reduce(Float(0)) { worst, pair in
        let d = (pair.0 - pair.1).magnitude
        return d <= worst ? worst : d
      }
      #expect(error <= tolerance * largest, "\(isa) \(c): \(error)")
    }
  }

  @Test(arguments: sets, cells)
  func hiddenSizesAroundTiles(_ isa: InstructionSet, _ cell: RecurrentKernel.Cell) throws {
    for hidden in [1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 80, 129] {
      for input in [1, 3, 32, 70] {
        var c = RecurrentCase(cell: cell, input: input, hidden: hidden)
        c.steps = 12
        try check(c, isa)
      }
    }
  }

  @Test(arguments: sets, cells)
  func lengthsOfSequences(_ isa: InstructionSet, _ cell: RecurrentKernel.Cell) throws {
    for steps in [1, 2, 9, 10, 11, 19, 20, 21, 33] {
      for isReverse in [[false], [true], [false, true]] {
        var c = RecurrentCase(cell: cell, steps: steps, input: 7, hidden: 20)
        c.isReverse = isReverse
        try check(c, isa)
        c.lengths = [Int32(steps * 2 / 3)]
        try check(c, isa)
      }
    }
  }

  @Test(arguments: sets, cells)
  func batches(_ isa: InstructionSet, _ cell: RecurrentKernel.Cell) throws {
    for batch in [2, 3, 4, 5, 6, 7, 12, 13, 31] {
      for isBatchFirst in [false, true] {
        var c = RecurrentCase(cell: cell, steps: 8, batch: batch, input: 5, hidden: 19)
        c.isReverse = [false, true]
        c.isBatchFirst = isBatchFirst
        c.hasStates = true
        try check(c, isa)
        c.lengths = (0..<batch).map { Int32($0 * 5 % 9) }
        try check(c, isa)
      }
    }
  }

  @Test(arguments: sets, cells)
  func options(_ isa: InstructionSet, _ cell: RecurrentKernel.Cell) throws {
    for bits in 0..<32 {
      var c = RecurrentCase(cell: cell, steps: 11, batch: bits % 3 + 1, input: 6, hidden: 21)
      c.hasBias = bits & 1 != 0
      c.hasStates = bits & 2 != 0
      c.hasPeepholes = bits & 4 != 0
      c.clip = bits & 8 != 0 ? 0.4 : nil
      c.wantsY = bits & 16 != 0
      try check(c, isa)
    }
  }

  @Test(arguments: sets, cells)
  func activations(_ isa: InstructionSet, _ cell: RecurrentKernel.Cell) throws {
    let all: [CellActivation] = [
      .sigmoid, .tanh, .relu, .softsign, .softplus, .affine(0.5, 0.1), .leakyRelu(0.1),
      .thresholdedRelu(0.2), .scaledTanh(1.2, 0.7), .hardSigmoid(0.2, 0.5), .elu(0.7),
    ]
    for (i, f) in all.enumerated() {
      var c = RecurrentCase(cell: cell, steps: 4, batch: 2, input: 6, hidden: 18)
      // A jump makes a rounding error as large as itself, so none feeds on it for long.
      if case .thresholdedRelu = f { c.steps = 1 }
      c.activations = [f, all[(i + 3) % all.count], all[(i + 5) % all.count]]
      if case .thresholdedRelu = all[(i + 3) % all.count] { c.steps = 1 }
      if case .thresholdedRelu = all[(i + 5) % all.count] { c.steps = 1 }
      c.activations = Array((c.activations ?? []).prefix(cell.activations))
      try check(c, isa, tolerance: 4e-6)
    }
  }

  @Test(arguments: cells) func threadsDoNotChangeBits(_ cell: RecurrentKernel.Cell) throws {
    var cases: [RecurrentCase] = []
    for batch in [1, 2, 5] {
      for isReverse in [[false], [false, true]] {
        var c = RecurrentCase(cell: cell, steps: 25, batch: batch, input: 40, hidden: 67)
        c.isReverse = isReverse
        cases.append(c)
        c.lengths = (0..<batch).map { Int32(25 - 7 * $0 % 25) }
        cases.append(c)
      }
    }
    // Large enough to split each step.
    cases.append(RecurrentCase(cell: cell, steps: 4, input: 8, hidden: 530))
    for c in cases {
      let one = try c.packed(.current)
      #expect(try c.packed(.current, threads: 2) == one, "\(c)")
      #expect(try c.packed(.current, threads: 3) == one, "\(c)")
    }
  }

  @Test(arguments: sets, cells)
  func rowAloneHasTheBitsItHasInABatch(_ isa: InstructionSet, _ cell: RecurrentKernel.Cell) throws {
    // With the batch first, the first row of any batch has the same inputs.
    var alone = RecurrentCase(cell: cell, steps: 23, input: 9, hidden: 37)
    alone.isBatchFirst = true
    let wanted = try alone.packed(isa)
    for batch in [2, 5, 9] {
      var c = alone
      c.batch = batch
      let found = try c.packed(isa)
      // The first row of a batch that comes first has the first inputs.
      #expect(Array(found.y.prefix(wanted.y.count)) == wanted.y)
    }
  }

  @Test func lengthOutOfRange() throws {
    var c = RecurrentCase()
    c.lengths = [6]
    #expect(throws: EngineError.self) { try c.packed(.current) }
  }
}
