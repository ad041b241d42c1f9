import Graphs
import Kernels
import Tensors

extension Operator {
  /// The kernel for float16 and bfloat16: operands are widened to float32, the float32 kernel
  /// runs, results are rounded to nearest. Nil when no input or output is of these types.
  ///
  /// Widened copies lie in scratch, whole; widening is exact, so operators that only compare or
  /// move elements stay exact.
  func widened(_ p: Preparation) throws(EngineError) -> Prepared? {
    func isHalf(_ t: TensorType?) -> Bool { t?.dtype == .float16 || t?.dtype == .bfloat16 }
    guard p.inputs.contains(where: isHalf) || p.outputs.contains(where: isHalf) else { return nil }
    func wide(_ t: TensorType?) -> TensorType? {
      guard let t else { return nil }
      return isHalf(t) ? TensorType(.float32, t.shape) : t
    }
    var constants: [Tensor?] = []
    for c in p.constants { constants.append(try c.map(widen)) }
    let inner = try prepare(
      Preparation(
        inputs: p.inputs.map(wide), outputs: p.outputs.map(wide), constants: constants,
        options: p.options))
    guard inner.kind == .kernel else { return inner }

    // Scratch: the addresses of all operands, the widened operands, the kernel's own scratch.
    let operands = p.inputs + p.outputs
    let inputCount = p.inputs.count
    var size = (operands.count * MemoryLayout<UnsafeMutableRawPointer>.stride + 63) / 64 * 64
    var places: [Int] = []
    var counts: [Int] = []
    var isBrain: [Bool] = []
    for t in operands {
      places.append(isHalf(t) ? size : -1)
      counts.append(t?.count ?? 0)
      isBrain.append(t?.dtype == .bfloat16)
      if isHalf(t), let t { size += (t.count * 4 + 63) / 64 * 64 }
    }
    let own = size
    let place = Table(places)
    let count = Table(counts)
    let brain = Table(isBrain.map { $0 ? 1 : 0 })
    let total = operands.count
    return Prepared(
      scratchBytes: own + inner.scratchBytes, label: inner.label + " widened"
    ) { (m) throws(EngineError) in
      let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      for i in 0..<total {
        let given = i < inputCount ? m.inputs[i] : m.outputs[i - inputCount]
        addresses[i] = place[i] < 0 ? given : m.scratch + place[i]
        if place[i] >= 0 && i < inputCount {
          HalfFloats.widen(
            given, to: addresses[i].assumingMemoryBound(to: Float.self), count: count[i],
            isBrain: brain[i] == 1, pool: m.pool)
        }
      }
      try inner.run(
        Memory(
          inputs: addresses, outputs: addresses + inputCount, scratch: m.scratch + own,
          pool: m.pool))
      for i in inputCount..<total where place[i] >= 0 {
        HalfFloats.narrow(
          addresses[i].assumingMemoryBound(to: Float.self), to: m.outputs[i - inputCount],
          count: count[i], isBrain: brain[i] == 1, pool: m.pool)
      }
    }
  }
}

/// A half-precision constant as float32; any other as it is.
private func widen(_ t: Tensor) throws(EngineError) -> Tensor {
  guard t.dtype == .float16 || t.dtype == .bfloat16 else { return t }
  return try Tensor(TensorType(.float32, t.shape)) { (bytes) throws(EngineError) in
    guard let base = bytes.baseAddress else { return }
    HalfFloats.widen(
      t.storage.bytes, to: base.assumingMemoryBound(to: Float.self), count: t.count,
      isBrain: t.dtype == .bfloat16, pool: .single)
  }
}
