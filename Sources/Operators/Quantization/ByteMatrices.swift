import Graphs
import Kernels
import Tensors

/// Products of matrices of bytes that are known only in the run, each with one zero point: what
/// remains of quantised products when weights are set aside.
struct ByteMatrices: Sendable {
  private let plan: ByteProductPlan
  private let at: (a: Int, aZero: Int?, b: Int, bZero: Int?)
  /// Where the factors of each product begin.
  private let places: [(a: Int, b: Int)]
  private let aIsSigned: Bool
  private let slots: Int

  /// Nil where factors or zero points are of another kind.
  ///
  /// - `a`, `b`: the inputs of a factor and of its zero point, which may be absent.
  /// - `matrices`: the numbers of the factors of each product, `[m, k]` and `[k, n]`.
  init?(
    _ p: Preparation, a: (Int, Int), b: (Int, Int), m: Int, n: Int, k: Int,
    matrices: (a: [Int], b: [Int])
  ) {
    func type(_ i: Int) -> TensorType? { i < p.inputs.count ? p.inputs[i] : nil }
    guard let left = type(a.0), let right = type(b.0), m > 0, n > 0, k > 0,
      [left, right].allSatisfy({ $0.dtype == .int8 || $0.dtype == .uint8 }),
      [type(a.1), type(b.1)].allSatisfy({ $0 == nil || $0?.count == 1 })
    else { return nil }
    at = (a.0, p.has(a.1) ? a.1 : nil, b.0, p.has(b.1) ? b.1 : nil)
    places = zip(matrices.a, matrices.b).map { ($0 * m * k, $1 * k * n) }
    aIsSigned = left.dtype == .int8
    let isOne = places.count == 1
    slots = isOne ? 1 : min(places.count, p.options.threads)
    plan = ByteProductPlan(
      m: m, n: n, k: k, aIsSigned: aIsSigned, bIsSigned: right.dtype == .int8, along: n,
      hasZerosOfB: at.bZero != nil, threads: isOne ? p.options.threads : 1)
  }

  var label: String { plan.label }
  /// 64-byte aligned.
  var scratchBytes: Int { slots * plan.scratchBytes }

  /// Writes the sums of all products to `sums`.
  func run(_ m: Memory, _ sums: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    var v = ByteProductValues()
    v.aZero = at.aZero.map { QuantizedBytes.code(m.inputs[$0], 0, isSigned: aIsSigned) } ?? 0
    v.bZeros = at.bZero.map { UnsafeRawPointer(m.inputs[$0]) }
    nonisolated(unsafe) let (values, sums, scratch) = (v, sums, scratch)
    nonisolated(unsafe) let (a, b) = (m.inputs[at.a], m.inputs[at.b])
    let bytes = plan.m * plan.n * 4
    func one(_ i: Int, _ slot: Int, _ pool: ThreadPool) {
      plan.run(
        a: a + places[i].a, b: b + places[i].b, values, y: sums + i * bytes,
        scratch: scratch + slot * plan.scratchBytes, pool: pool)
    }
    if places.count == 1 { return one(0, 0, m.pool) }
    m.pool.run(places.count, slots: slots) { i, slot in one(i, slot, .single) }
  }
}
