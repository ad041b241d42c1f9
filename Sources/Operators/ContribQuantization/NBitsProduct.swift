import Graphs
import Kernels
import Tensors

/// The product of MatMulNBits, everything settled but the memory.
///
/// Constant weights of moderate size are unpacked once and kept packed for the product. All others
/// are unpacked a strip of columns at a time, so that scratch stays small whatever their size.
struct NBitsProduct: Sendable {
  /// Weights of more elements than this stay in their few bits.
  static let mostUnpacked = 1 << 24
  /// Columns of a strip.
  private static let strip = 64

  let label: String
  let scratchBytes: Int
  private let weights: BlockWeights
  private let stage: HalfStage
  /// The product with weights that stay in their few bits.
  private let few: NBitsPlan?
  /// The whole product with packed weights; or that of a whole strip and of the last one.
  private let whole: GemmPlan?
  private let strips: (full: GemmPlan, last: GemmPlan)
  private let hasZeros: Bool
  private let hasGroups: Bool
  private let hasBias: Bool
  private let pieces: Int
  private let pieceBytes: Int

  /// `rounds`: whether A may be rounded to int8.
  init(
    _ p: Preparation, _ weights: BlockWeights, rows: Int, rounds: Bool
  ) throws(EngineError) {
    let a = try p.input(0)
    let (n, k) = (weights.rows, weights.length)
    self.weights = weights
    hasZeros = p.has(3)
    hasGroups = p.has(4)
    hasBias = p.has(5)
    let epilogue: GemmPlan.Epilogue = hasBias ? .biasPerColumn : .init()
    let (size, over) = n.multipliedReportingOverflow(by: k)
    var packed: PackedMatrix?
    let few = try Self.few(p, weights, rows: rows, rounds: rounds)
    self.few = few
    let isConstant = (1...4).allSatisfy { !p.has($0) || p.constant($0) != nil }
    if few == nil, isConstant, !over, size <= Self.mostUnpacked, let codes = p.constant(1),
      let scales = p.constant(2)
    {
      packed = try Self.pack(weights, codes, scales, zeros: p.constant(3), groups: p.constant(4))
    }
    let settled = packed
    whole = settled.map {
      GemmPlan(
        m: rows, n: n, k: k, packedB: $0, epilogue: epilogue, threads: p.options.threads)
    }
    let columns = min(n, Self.strip)
    let rest = n - (n - 1) / columns * columns
    let right = GemmPlan.Layout(row: 1, column: k)
    func plan(_ width: Int) -> GemmPlan {
      GemmPlan(m: rows, n: width, k: k, b: right, c: n, epilogue: epilogue)
    }
    strips = (plan(columns), plan(rest))
    let own = max(strips.full.scratchBytes, strips.last.scratchBytes)
    pieces = max(1, min(p.options.threads, (n + columns - 1) / columns))
    pieceBytes = ((columns * k * 4 + 63) / 64 + 1) * 64 + (own + 63) / 64 * 64
    stage = HalfStage(
      a.dtype, inputs: [a.count, hasBias ? n : 0], output: rows * n,
      scratchBytes: few?.scratchBytes ?? whole?.scratchBytes ?? pieces * pieceBytes)
    scratchBytes = stage.scratchBytes
    label = few?.label ?? (whole ?? strips.full).label + " \(weights.bits) bits"
  }

  /// Nil where codes, scales or zero points are not constant, or of a kind that lies in no panels.
  private static func few(
    _ p: Preparation, _ w: BlockWeights, rows: Int, rounds: Bool
  ) throws(EngineError) -> NBitsPlan? {
    guard w.block == 16 || w.block % 32 == 0, w.zeros != .real, !p.has(4),
      let codes = p.constant(1),
      let scales = p.constant(2), let padded = paddedSize(w), padded <= 1 << 34
    else { return nil }
    let (n, k, block) = (w.rows, w.length, w.block)
    defer { withExtendedLifetime((codes, scales)) {} }
    let form = "nbits \(w.bits) \(n)x\(k) by \(block)"
    let packed = try p.packed(codes, as: form) { (space) throws(EngineError) in
      try PackedNBits(n: n, k: k, block: block, bits: w.bits, space: space) {
        w.code(codes.storage.bytes, row: $0, $1)
      }
    }
    let factors: Storage = try p.packed(scales, as: form + " scales") {
      (space) throws(EngineError) in
      try nbitsPanels(.float32, n: n, k: k, block: block, space: space, fill: 0 as Float) {
        w.scale(scales.storage.bytes, row: $0, block: $1)
      }
    }
    var zeros: Storage?
    if w.zeros == .packed {
      guard let points = p.constant(3) else { return nil }
      defer { withExtendedLifetime(points) {} }
      zeros = try p.packed(points, as: form + " zeros") { (space) throws(EngineError) in
        try nbitsPanels(.uint8, n: n, k: k, block: block, space: space, fill: 0 as UInt8) {
          w.zeroCode(points.storage.bytes, row: $0, block: $1)
        }
      }
    }
    return NBitsPlan(
      m: rows, packed, scales: factors, zeros: zeros, zero: 1 << (w.bits - 1), rounds: rounds,
      isExact: p.options.exact, hasBias: p.has(5), threads: p.options.threads)
  }

  /// Elements of the weights with blocks and panels filled up; nil where that is no number.
  private static func paddedSize(_ w: BlockWeights) -> Int? {
    let (size, over) = ((w.blocks + 1) * w.block).multipliedReportingOverflow(by: w.rows + 31)
    return over ? nil : size
  }

  private static func pack(
    _ weights: BlockWeights, _ codes: Tensor, _ scales: Tensor, zeros: Tensor?, groups: Tensor?
  ) throws(EngineError) -> PackedMatrix {
    let k = weights.length
    let wide = try Storage(TensorType(.float32, [weights.rows, k]))
    let to = wide.bytes.assumingMemoryBound(to: Float.self)
    for r in 0..<weights.rows {
      weights.row(
        r, codes: codes.storage.bytes, scales: scales.storage.bytes,
        zeroPoints: zeros.map { UnsafeRawPointer($0.storage.bytes) },
        groups: groups.map { UnsafePointer($0.storage.bytes.assumingMemoryBound(to: Int32.self)) },
        into: to + r * k)
    }
    defer { withExtendedLifetime((wide, codes, scales, zeros, groups)) {} }
    return try PackedMatrix(
      .right, count: weights.rows, k: k, element: .float32, from: wide.bytes, across: k, along: 1)
  }

  func run(_ m: Memory) {
    let x = stage.input(0, m.inputs[0], m.scratch, m.pool)
    let bias: UnsafeRawPointer? = hasBias ? stage.input(1, m.inputs[5], m.scratch, m.pool) : nil
    let y = stage.output(m.outputs[0], m.scratch)
    if let few {
      few.run(
        x.assumingMemoryBound(to: Float.self), bias: bias?.assumingMemoryBound(to: Float.self),
        y.assumingMemoryBound(to: Float.self), scratch: m.scratch, pool: m.pool)
    } else if let whole {
      whole.run(a: x, b: x, c: y, addend: bias, scratch: m.scratch, pool: m.pool)
    } else {
      runStrips(m, x, bias, y)
    }
    stage.finish(m.outputs[0], m.scratch, m.pool)
  }

  private func runStrips(
    _ m: Memory, _ x: UnsafeRawPointer, _ bias: UnsafeRawPointer?, _ y: UnsafeMutableRawPointer
  ) {
    let (n, k, columns) = (weights.rows, weights.length, strips.full.n)
    let count = (n + columns - 1) / columns
    m.pool.run(pieces) { piece in
      let memory = m.scratch + piece * pieceBytes
      let wide = memory.assumingMemoryBound(to: Float.self)
      let own = memory + ((columns * k * 4 + 63) / 64 + 1) * 64
      for s in piece * count / pieces..<(piece + 1) * count / pieces {
        let first = s * columns
        let plan = s == count - 1 ? strips.last : strips.full
        for j in 0..<plan.n {
          weights.row(
            first + j, codes: m.inputs[1], scales: m.inputs[2],
            zeroPoints: hasZeros ? UnsafeRawPointer(m.inputs[3]) : nil,
            groups: hasGroups ? m.input(4, Int32.self) : nil, into: wide + j * k)
        }
        plan.run(
          a: x, b: wide, c: y + first * 4, addend: bias.map { $0 + first * 4 }, scratch: own,
          pool: .single)
      }
    }
  }

  /// The result for weights that are left out: the bias, or zeros. `add` adds it to zeros.
  static func zeros(_ add: Prepared, _ y: TensorType, hasBias: Bool) -> Prepared {
    let bytes = y.byteCount
    return Prepared(scratchBytes: 64 + add.scratchBytes, label: "zeros") {
      (m) throws(EngineError) in
      m.outputs[0].initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      guard hasBias else { return }
      let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      addresses[0] = m.outputs[0]
      addresses[1] = m.inputs[5]
      try add.run(
        Memory(inputs: addresses, outputs: m.outputs, scratch: m.scratch + 64, pool: m.pool))
    }
  }
}
