import Graphs
import Kernels
import Tensors

/// One use of ContribAttention with all sizes checked and scratch laid out.
struct ContribAttentionPlan: Sendable {
  private let product: MatrixProduct
  private let heads: HeadsPlan
  private let offsets: (key: Int, value: Int)
  private let has: (bias: Bool, mask: Bool, past: Bool, extra: Bool)
  private let wants: (output: Bool, present: Bool)
  /// Bytes from keys to values in past and present.
  private let halves: (past: Int, present: Int)
  private let places: (projected: Int, product: Int)
  private let scratchBytes: Int

  init(_ o: ContribAttention.Options, _ p: Preparation) throws(EngineError) {
    for i in [0, 1, 2, 4, 5] where p.has(i) {
      guard try p.input(i).dtype == .float32 else { throw p.noKernel() }
    }
    let (x, w) = (try p.input(0), try p.input(1))
    let (batch, length, depth) = (x.shape[0], x.shape[1], x.shape[2])
    let width = w.shape[1]
    guard w.shape[0] == depth else {
      throw EngineError(
        .shape, "weights do not fit the input", expected: "\(depth) rows", received: "\(w.shape)")
    }
    let sizes = o.sizes ?? [width / 3, width / 3, width / 3]
    guard sizes.reduce(0, +) == width, sizes.allSatisfy({ $0 > 0 && $0 % o.heads == 0 }) else {
      throw EngineError(
        .shape, "weights do not divide into Q, K and V of \(o.heads) heads",
        expected: o.sizes.map { "\($0.reduce(0, +)) columns" } ?? "a multiple of \(3 * o.heads)",
        received: "\(width)")
    }
    if p.has(2) { try checkShape(p.input(2), [width], "bias") }
    var s = HeadsPlan.Shapes()
    s.batch = batch
    s.heads = o.heads
    s.queries = length
    s.keys = length
    s.keySize = sizes[0] / o.heads
    s.valueSize = sizes[2] / o.heads
    s.query = .init(batch: length * width, head: s.keySize, row: width)
    s.key = s.query
    s.value = .init(batch: length * width, head: s.valueSize, row: width)
    s.mask = p.has(3) ? try p.input(3).shape : nil
    s.bias = p.has(5) ? try p.input(5).shape : nil
    has = (p.has(2), p.has(3), p.has(4), p.has(5))
    wants = (p.wants(0), p.wants(1))
    s.wants = (wants.output, wants.present, wants.present, false)
    if has.past || wants.present {
      guard s.keySize == s.valueSize else {
        throw EngineError(
          .shape, "a cache needs keys and values of one size", expected: "\(s.keySize)",
          received: "\(s.valueSize)")
      }
    }
    if has.past {
      let rows = try p.input(4).shape[3]
      s.pastRows = rows
      try checkShape(p.input(4), [2, batch, o.heads, rows, s.keySize], "past")
    }
    if o.sharesBuffer {
      guard has.past, let past = p.ints(6), past.count == 1 else {
        throw EngineError(
          .arity, "a shared buffer needs 'past' and one 'past_sequence_length'")
      }
      guard past[0] >= 0, past[0] + length <= s.pastRows ?? 0 else {
        throw EngineError(
          .shape, "past_sequence_length leaves no room in the buffer",
          expected: "0 to \((s.pastRows ?? 0) - length)", received: "\(past[0])")
      }
      s.past = past[0]
    }
    offsets = (sizes[0], 2 * sizes[0])
    let present = o.sharesBuffer ? s.pastRows ?? 0 : (s.pastRows ?? 0) + length
    let rowBytes = batch * o.heads * s.keySize * 4
    halves = ((s.pastRows ?? 0) * rowBytes, present * rowBytes)

    var packed: PackedMatrix?
    if let constant = p.constant(1), constant.type == w {
      packed = try p.packedFactor(
        .right, count: width, k: depth, constant, across: 1, along: width)
    }
    let m = batch * length
    let hasBias = has.bias
    let product = MatrixProduct(
      .float32,
      counts: (x.count, packed == nil ? w.count : 0, m * width, hasBias ? width : 0),
      threads: p.options.threads
    ) {
      GemmPlan(
        m: m, n: width, k: depth, element: $0, packedB: packed,
        epilogue: hasBias ? .biasPerColumn : .init(), threads: $1)
    }
    guard let product else { throw p.noKernel() }
    self.product = product
    var scratch = ScratchLayout()
    heads = try HeadsPlan(
      s, scale: o.scale, filter: o.filter, isCausal: o.isUnidirectional, scoreMode: 0,
      threads: p.options.threads, scratch: &scratch)
    places = (try scratch.take(m * width), try scratch.take(product.scratchBytes, width: 1))
    scratchBytes = scratch.bytes
  }

  func prepared() -> Prepared {
    let plan = self
    return Prepared(scratchBytes: scratchBytes, label: "attention " + product.label) {
      (m) throws(EngineError) in try plan.run(m)
    }
  }

  private func run(_ m: Memory) throws(EngineError) {
    let projected = m.scratch + places.projected
    product.run(
      a: m.inputs[0], b: m.inputs[1], c: projected,
      addend: has.bias ? UnsafeRawPointer(m.inputs[2]) : nil, scratch: m.scratch + places.product,
      pool: m.pool)
    let q = UnsafePointer(projected.assumingMemoryBound(to: Float.self))
    try heads.run(
      .init(
        query: q, key: q + offsets.key, value: q + offsets.value,
        mask: has.mask ? m.input(3) : nil, bias: has.extra ? m.input(5) : nil,
        pastKey: has.past ? m.inputs[4] : nil,
        pastValue: has.past ? m.inputs[4] + halves.past : nil,
        presentKey: wants.present ? m.outputs[1] : nil,
        presentValue: wants.present ? m.outputs[1] + halves.present : nil, output: m.outputs[0]),
      scratch: m.scratch, pool: m.pool)
  }
}
