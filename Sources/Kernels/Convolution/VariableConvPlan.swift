import Tensors

/// A convolution whose weights come anew with each run, as in training, in the form that pays for
/// its sizes: Winograd's algorithm, a direct sum over planes, or `ConvPlan`.
public struct VariableConvPlan: Sendable {
  enum Form: Sendable {
    case winograd(WinogradConvPlan)
    case planes(PlaneConvPlan)
    case columns(ConvPlan)
  }

  public let scratchBytes: Int
  public let label: String
  let geometry: ConvGeometry
  let form: Form
  /// Bytes of scratch for weights that a form reads turned round.
  private let turnedBytes: Int

  /// - `element`: float32 or float64. - `isTurned`: whether `run` gets the weights of the
  ///   convolution whose input gradient this is, `[channels, outputs, taps]` with taps turned
  ///   round; for stride 1 and one group. - `exact`: sums as accurate as plain summation.
  public init(
    _ g: ConvGeometry, element: GemmElement = .float32, isTurned: Bool = false,
    exact: Bool = false, threads: Int = 1, isa: InstructionSet = .current
  ) {
    geometry = g
    self.isTurned = isTurned
    if element == .float32 {
      if !exact, let plan = WinogradConvPlan(g, threads: threads, isa: isa) {
        form = .winograd(plan)
        (scratchBytes, turnedBytes, label) = (plan.scratchBytes, 0, plan.label)
        return
      }
      if let plan = PlaneConvPlan(g, threads: threads, isa: isa) {
        form = .planes(plan)
        (scratchBytes, turnedBytes, label) = (plan.scratchBytes, 0, plan.label)
        return
      }
    }
    let plan = ConvPlan(g, element: element, threads: threads, isa: isa)
    form = .columns(plan)
    turnedBytes = isTurned ? GemmPlan.aligned(g.weightCount * element.byteSize) : 0
    scratchBytes = turnedBytes + plan.scratchBytes
    label = plan.label
  }
  private let isTurned: Bool

  /// - `bias`: an element an output, or nil.
  public func run(
    x: UnsafeRawPointer, weights: UnsafeRawPointer, bias: UnsafeRawPointer?,
    y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    func floats(_ p: UnsafeRawPointer) -> UnsafePointer<Float> {
      p.assumingMemoryBound(to: Float.self)
    }
    switch form {
    case .winograd(let plan):
      plan.run(
        x: floats(x), weights: floats(weights), isTurned: isTurned, bias: bias.map(floats),
        y: y.assumingMemoryBound(to: Float.self), scratch: scratch, pool: pool)
    case .planes(let plan):
      plan.run(
        x: floats(x), weights: floats(weights), isTurned: isTurned, bias: bias.map(floats),
        y: y.assumingMemoryBound(to: Float.self), scratch: scratch, pool: pool)
    case .columns(let plan):
      var used = weights
      if isTurned {
        if plan.element == .float64 {
          turn(Double.self, weights, scratch)
        } else {
          turn(Float.self, weights, scratch)
        }
        used = UnsafeRawPointer(scratch)
      }
      plan.run(x: x, weights: used, bias: bias, y: y, scratch: scratch + turnedBytes, pool: pool)
    }
  }

  private func turn<T: RowReal>(
    _: T.Type, _ weights: UnsafeRawPointer, _ to: UnsafeMutableRawPointer
  ) {
    let (from, to) = (weights.assumingMemoryBound(to: T.self), to.assumingMemoryBound(to: T.self))
    let (g, n) = (geometry, geometry.taps)
    for m in 0..<g.outputs {
      for c in 0..<g.channels {
        let (source, row) = (from + (c * g.outputs + m) * n, to + (m * g.channels + c) * n)
        for t in 0..<n { row[t] = source[n - 1 - t] }
      }
    }
  }
}
