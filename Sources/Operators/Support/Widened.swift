import Graphs
import Kernels
import Tensors

extension Operator {
  /// The kernel for float types that have none of their own: operands are widened to float32, the
  /// float32 kernel runs, results are rounded to nearest. Nil when no operand is float16 or
  /// bfloat16.
  ///
  /// With `mixed`, operands of different float types become the widest among them first, float64
  /// where one is. Widened copies lie in scratch, whole; widening is exact, so operators that only
  /// compare or move elements stay exact.
  func widened(_ p: Preparation, mixed: Bool = false) throws(EngineError) -> Prepared? {
    try widened(p, mixed: mixed, { (wide) throws(EngineError) in try prepare(wide) })
  }

  /// As above, for a kernel that another function than `prepare` makes.
  func widened(
    _ p: Preparation, mixed: Bool = false,
    _ prepare: (Preparation) throws(EngineError) -> Prepared
  ) throws(EngineError) -> Prepared? {
    try widenedKernel(p, mixed, prepare)
  }
}

/// The work of both, once for all operators.
private func widenedKernel(
  _ p: Preparation, _ mixed: Bool, _ prepare: (Preparation) throws(EngineError) -> Prepared
) throws(EngineError) -> Prepared? {
  let operands = p.inputs + p.outputs
  func isPlain(_ t: TensorType?) -> Bool {
    switch t?.dtype {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
  let hasDouble = mixed && operands.contains { $0?.dtype == .float64 }
  let target: DType = hasDouble ? .float64 : .float32
  func changes(_ t: TensorType?) -> Bool {
    guard isPlain(t), let t else { return false }
    return t.dtype == .float16 || t.dtype == .bfloat16 || (hasDouble && t.dtype == .float32)
  }
  guard operands.contains(where: changes) else { return nil }
  func wide(_ t: TensorType?) -> TensorType? {
    guard let t else { return nil }
    return changes(t) ? TensorType(target, t.shape) : t
  }
  var constants: [Tensor?] = []
  for c in p.constants {
    guard let c, changes(c.type) else {
      constants.append(c)
      continue
    }
    let wide = try p.packed(c, as: "as \(target)") { (space) throws(EngineError) in
      try space.storage(TensorType(target, c.shape)) { storage in
        HalfFloats.convert(
          c.dtype, c.storage.bytes, to: target, storage.bytes, count: c.count, pool: .single)
      }
    }
    constants.append(Tensor(wide))
  }
  let inner = try prepare(
    Preparation(
      inputs: p.inputs.map(wide), outputs: p.outputs.map(wide), constants: constants,
      options: p.options, store: p.store))
  guard inner.kind == .kernel else { return inner }

  // Scratch: the addresses of all operands, the widened operands, the kernel's own scratch.
  let inputCount = p.inputs.count
  var size = (operands.count * MemoryLayout<UnsafeMutableRawPointer>.stride + 63) / 64 * 64
  var places: [Int] = []
  var counts: [Int] = []
  for t in operands {
    places.append(changes(t) ? size : -1)
    counts.append(t?.count ?? 0)
    if changes(t), let t { size += (t.count * target.byteSize + 63) / 64 * 64 }
  }
  let own = size
  let place = Table(places)
  let count = Table(counts)
  let dtypes = Table(operands.map { Int($0?.dtype.rawValue ?? 0) })
  let total = operands.count
  return Prepared(
    scratchBytes: own + inner.scratchBytes, label: inner.label + " widened"
  ) { (m) throws(EngineError) in
    let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    for i in 0..<total {
      let given = i < inputCount ? m.inputs[i] : m.outputs[i - inputCount]
      addresses[i] = place[i] < 0 ? given : m.scratch + place[i]
      if place[i] >= 0 && i < inputCount, let dtype = DType(rawValue: UInt8(dtypes[i])) {
        HalfFloats.convert(
          dtype, given, to: target, addresses[i], count: count[i], pool: m.pool)
      }
    }
    try inner.run(
      Memory(
        inputs: addresses, outputs: addresses + inputCount, scratch: m.scratch + own,
        pool: m.pool))
    for i in inputCount..<total where place[i] >= 0 {
      guard let dtype = DType(rawValue: UInt8(dtypes[i])) else { continue }
      HalfFloats.convert(
        target, addresses[i], to: dtype, m.outputs[i - inputCount], count: count[i],
        pool: m.pool)
    }
  }
}
