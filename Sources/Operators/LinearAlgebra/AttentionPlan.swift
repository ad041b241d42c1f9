import Graphs
import Kernels
import Tensors

/// One use of attention with all sizes checked and scratch laid out.
struct AttentionPlan: Sendable {
  private var kernel: AttentionKernel
  private let dtype: DType
  private let maskType: TensorType?
  private let hasPast: Bool
  private let hasLengths: Bool
  private let wants: (key: Bool, value: Bool, scores: Bool, output: Bool)
  /// Layouts of the new keys and values, which the kernel's own are not where there is a past.
  private let newKey: AttentionKernel.Layout
  private let newValue: AttentionKernel.Layout
  /// Bytes before the first head of Q, K and V.
  private let starts: (query: Int, key: Int, value: Int)
  /// Whether queries without keys give NaN.
  private let givesNaN: Bool

  /// - `fused`: where heads lie, where that is not one behind the other.
  init(
    _ o: Attention.Options, _ p: Preparation, _ fused: FusedAttention? = nil
  ) throws(EngineError) {
    dtype = try p.input(0).dtype
    guard dtype == .float32 || dtype == .float64 else { throw p.noKernel() }
    for i in [1, 2, 4, 5] where p.has(i) {
      guard try p.input(i).dtype == dtype else { throw p.noKernel() }
    }
    func split(
      _ i: Int, _ heads: Int?, _ name: String
    ) throws(EngineError) -> (dims: [Int], layout: AttentionKernel.Layout) {
      let shape = try p.input(i).shape
      guard let fused, shape.rank != 4 else {
        return try AttentionPlan.split(shape, heads, name)
      }
      return try fused.places[i].split(
        shape, heads ?? 1, isSequenceFirst: fused.isSequenceFirst, name)
    }
    let q = try split(0, o.queryHeads, "Q")
    let k = try split(1, o.keyHeads, "K")
    let v = try split(2, o.keyHeads, "V")
    let size = dtype.byteSize
    givesNaN = fused?.givesNaN ?? false
    let places = try p.input(0).shape.rank == 3 ? fused?.places : nil
    starts = (
      (places?[0].offset ?? 0) * size, (places?[1].offset ?? 0) * size,
      (places?[2].offset ?? 0) * size
    )
    var s = AttentionKernel.Sizes()
    s.batch = q.dims[0]
    s.queryHeads = q.dims[1]
    s.queries = q.dims[2]
    s.keySize = q.dims[3]
    s.keyHeads = k.dims[1]
    s.keys = k.dims[2]
    s.valueSize = v.dims[3]
    func expect(_ what: String, _ got: [Int], _ want: [Int]) throws(EngineError) {
      guard got == want else {
        throw EngineError(
          .shape, "\(what) does not fit", expected: "\(want)", received: "\(got)")
      }
    }
    try expect("K", k.dims, [s.batch, s.keyHeads, s.keys, s.keySize])
    try expect("V", v.dims, [s.batch, s.keyHeads, s.keys, s.valueSize])
    guard s.keyHeads > 0, s.queryHeads % s.keyHeads == 0 else {
      throw EngineError(
        .shape, "query heads are no multiple of key heads", expected: "a multiple of \(s.keyHeads)",
        received: "\(s.queryHeads)")
    }
    hasPast = p.has(4)
    hasLengths = p.has(6)
    if hasPast {
      guard !hasLengths else {
        throw EngineError(.arity, "nonpad_kv_seqlen and a past exclude each other")
      }
      let past = try p.input(4).shape.array
      s.past = past.count == 4 ? past[2] : 0
      try expect("past_key", past, [s.batch, s.keyHeads, s.past, s.keySize])
      try expect(
        "past_value", try p.input(5).shape.array, [s.batch, s.keyHeads, s.past, s.valueSize])
    }
    if hasLengths { try expect("nonpad_kv_seqlen", try p.input(6).shape.array, [s.batch]) }
    maskType = p.has(3) ? try p.input(3) : nil
    newKey = k.layout
    newValue = v.layout
    let width = s.queryHeads * s.valueSize
    var y = AttentionKernel.Layout(batch: s.queries * width, head: s.valueSize, row: width)
    if fused?.isSequenceFirst == true {
      y = AttentionKernel.Layout(batch: width, head: s.valueSize, row: s.batch * width)
    } else if try p.input(0).shape.rank == 4 {
      y = AttentionPlan.packed(s.queryHeads, s.queries, s.valueSize)
    }
    kernel = AttentionKernel(
      sizes: s, query: q.layout,
      key: hasPast ? AttentionPlan.packed(s.keyHeads, s.total, s.keySize) : k.layout,
      value: hasPast ? AttentionPlan.packed(s.keyHeads, s.total, s.valueSize) : v.layout,
      output: y, mask: try maskType.map { (t) throws(EngineError) in try AttentionPlan.mask(t, s) },
      scale: o.scale.map { Double($0) } ?? 1 / Double(max(1, s.keySize)).squareRoot(),
      softcap: Double(o.softcap), isCausal: o.isCausal, leftWindow: o.leftWindow,
      rightWindow: o.rightWindow, scoreMode: o.scoreMode,
      workers: p.options.threads > 1 ? 4 * p.options.threads : 1)
    wants = (p.wants(1), p.wants(2), p.wants(3), p.wants(0))
  }

  private static func packed(_ heads: Int, _ rows: Int, _ size: Int) -> AttentionKernel.Layout {
    AttentionKernel.Layout(batch: heads * rows * size, head: rows * size, row: size)
  }

  /// An operand as `[N, H, S, E]` and where its elements lie.
  static func split(
    _ shape: Shape, _ heads: Int?, _ name: String
  ) throws(EngineError) -> (dims: [Int], layout: AttentionKernel.Layout) {
    if shape.rank == 4 { return (shape.array, packed(shape[1], shape[2], shape[3])) }
    guard shape.rank == 3, let heads, heads > 0, shape[2] % heads == 0 else {
      throw EngineError(
        .shape, "\(name) does not divide into heads", expected: "rank 4, or rank 3 and heads",
        received: "\(shape)")
    }
    let size = shape[2] / heads
    return (
      [shape[0], heads, shape[1], size],
      AttentionKernel.Layout(batch: shape[1] * shape[2], head: size, row: shape[2])
    )
  }

  private static func mask(
    _ type: TensorType, _ s: AttentionKernel.Sizes
  ) throws(EngineError) -> AttentionKernel.Mask {
    let shape = type.shape
    let full = [s.batch, s.queryHeads, s.queries]
    var strides = [0, 0, 0]
    var fits = shape.rank >= 1 && shape.rank <= 4 && shape[shape.rank - 1] <= s.total
    let own = shape.strides
    for i in 0..<max(0, shape.rank - 1) where fits {
      let axis = i + 4 - shape.rank
      if shape[i] == full[axis] {
        strides[axis] = shape[i] == 1 ? 0 : own[i]
      } else if shape[i] != 1 {
        fits = false
      }
    }
    guard fits else {
      throw EngineError(
        .shape, "attn_mask does not broadcast to the scores",
        expected: "a shape that fits \(full + [s.total])", received: "\(shape)")
    }
    return AttentionKernel.Mask(
      isBool: type.dtype == .bool, batch: strides[0], head: strides[1], row: strides[2],
      columns: shape[shape.rank - 1])
  }

  func prepared() -> Prepared {
    let size = dtype.byteSize
    var scratch = 0
    func take(_ elements: Int) -> Int {
      let place = scratch
      scratch += (elements * size + 63) / 64 * 64
      return place
    }
    let s = kernel.sizes
    let rows = s.batch * s.keyHeads * s.total
    let scores = take(kernel.scratchCount)
    let key = hasPast && !wants.key ? take(rows * s.keySize) : -1
    let value = hasPast && !wants.value ? take(rows * s.valueSize) : -1
    let convertsMask = maskType.map { $0.dtype != .bool && $0.dtype != dtype } ?? false
    let mask = convertsMask ? take(maskType?.count ?? 0) : -1
    let spare = wants.output ? -1 : take(s.batch * s.queryHeads * s.queries * s.valueSize)
    let plan = self
    return Prepared(scratchBytes: scratch, label: "attention") { m in
      plan.run(m, scores: scores, key: key, value: value, mask: mask, spare: spare)
    }
  }

  private func run(_ m: Memory, scores: Int, key: Int, value: Int, mask: Int, spare: Int) {
    let s = kernel.sizes
    var keys = UnsafeRawPointer(m.inputs[1] + starts.key)
    var values = UnsafeRawPointer(m.inputs[2] + starts.value)
    if hasPast || wants.key {
      let to = key >= 0 ? m.scratch + key : m.outputs[1]
      AttentionKernel.append(
        elementSize: dtype.byteSize, past: hasPast ? UnsafeRawPointer(m.inputs[4]) : nil,
        new: keys, newKey, batch: s.batch, heads: s.keyHeads, pastRows: s.past, rows: s.keys,
        size: s.keySize, into: to, pool: m.pool)
      if hasPast { keys = UnsafeRawPointer(to) }
    }
    if hasPast || wants.value {
      let to = value >= 0 ? m.scratch + value : m.outputs[2]
      AttentionKernel.append(
        elementSize: dtype.byteSize, past: hasPast ? UnsafeRawPointer(m.inputs[5]) : nil,
        new: values, newValue, batch: s.batch, heads: s.keyHeads, pastRows: s.past, rows: s.keys,
        size: s.valueSize, into: to, pool: m.pool)
      if hasPast { values = UnsafeRawPointer(to) }
    }
    var masks: UnsafeRawPointer?
    if let maskType {
      masks = UnsafeRawPointer(m.inputs[3])
      if mask >= 0 {
        AttentionKernel.convert(
          maskType.dtype, m.inputs[3], count: maskType.count, to: dtype, into: m.scratch + mask)
        masks = UnsafeRawPointer(m.scratch + mask)
      }
    }
    let output = spare >= 0 ? m.scratch + spare : m.outputs[0]
    kernel.run(
      dtype,
      .init(
        query: m.inputs[0] + starts.query, key: keys, value: values, mask: masks,
        lengths: hasLengths ? m.input(6) : nil, output: output,
        scores: wants.scores ? m.outputs[3] : nil),
      scratch: m.scratch + scores, pool: m.pool)
    if givesNaN, let masks { kernel.spoilHidden(dtype, mask: masks, output: output) }
  }
}
