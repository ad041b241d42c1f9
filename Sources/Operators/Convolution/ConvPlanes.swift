import Graphs
import Kernels
import Tensors

private protocol PlanePlan: Sendable {
  var scratchBytes: Int { get }
  var label: String { get }
}
extension PlaneConvPlan: PlanePlan {}
extension PlaneTransposePlan: PlanePlan {}

/// The kernel of a plan that `make` makes of constant weights; nil where it makes none.
private func prepared<Plan: PlanePlan>(
  _ weights: Tensor, _ make: (UnsafePointer<Float>) throws(EngineError) -> Plan?,
  run: @escaping @Sendable (Plan, Memory) -> Void
) throws(EngineError) -> Prepared? {
  guard weights.dtype == .float32 else { return nil }
  defer { withExtendedLifetime(weights) {} }
  let from = UnsafeRawPointer(weights.storage.bytes).assumingMemoryBound(to: Float.self)
  guard let plan = try make(from) else { return nil }
  return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { m in run(plan, m) }
}

extension Conv {
  /// Few outputs with constant weights, summed over planes; nil where another kernel does better.
  func preparePlanes(_ p: Preparation, _ geometry: ConvGeometry) throws(EngineError) -> Prepared? {
    let w = try p.input(1)
    guard let weights = p.constant(1), weights.type == w else { return nil }
    let hasBias = p.has(2)
    return try prepared(weights) { (from) throws(EngineError) in
      try PlaneConvPlan.few(geometry, weights: from, threads: p.options.threads)
    } run: { plan, m in
      plan.run(
        x: m.input(0), weights: m.input(1), isTurned: false, bias: hasBias ? m.input(2) : nil,
        y: m.output(0), scratch: m.scratch, pool: m.pool)
    }
  }

  /// Whether weights `[outputs, channels, kernel...]` of one group give so few outputs that lanes full
  /// of channels would be mostly empty, and planes do better. `width`: of the result, where known.
  public func isFewOutputs(_ weights: Shape, width: Int?) -> Bool {
    let spatial = 0..<max(0, weights.rank - 2)
    return InstructionSet.current >= .avx512 && group == 1 && (1...2).contains(spatial.count)
      && weights[0] <= PlaneConvPlan.fewOutputs && weights.count(of: 2..<weights.rank) > 1
      && spatial.allSatisfy { window.stride($0) == 1 && window.dilation($0) == 1 }
      && width.map { PlaneConvPlan.fills($0) } ?? true
  }
}

extension ConvTranspose {
  /// Few outputs with constant weights, summed over planes; nil where another kernel does better.
  func preparePlanes(
    _ p: Preparation, _ geometry: ConvGeometry, _ weights: Tensor
  ) throws(EngineError) -> Prepared? {
    let hasBias = p.has(2)
    return try prepared(weights) { (from) throws(EngineError) in
      try PlaneTransposePlan(geometry, weights: from, threads: p.options.threads)
    } run: { plan, m in
      plan.run(
        x: m.input(0), bias: hasBias ? m.input(2) : nil, y: m.output(0), scratch: m.scratch,
        pool: m.pool)
    }
  }

  /// Whether weights `[channels, outputs, kernel...]` give so few outputs that planes do better than
  /// lanes full of channels. `width`: of the input, where known.
  public func isFewOutputs(_ weights: Shape, width: Int?) -> Bool {
    let strides = (0..<max(0, weights.rank - 2)).map { window.stride($0) }
    return InstructionSet.current >= .avx512 && group == 1 && (1...2).contains(strides.count)
      && weights[1] <= PlaneConvPlan.fewOutputs && strides.reduce(1, *) > 1
      && strides.reduce(weights[1], *) <= 128
      && width.map { PlaneConvPlan.fills($0) } ?? true
  }
}
