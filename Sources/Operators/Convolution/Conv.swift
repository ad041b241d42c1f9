import Graphs
import Kernels
import Tensors

/// Convolution (cross-correlation) over one to three spatial axes, in groups.
///
/// `Y[n, m, o] = B[m] + sum over c, t of X[n, c, o * stride - pad + t * dilation] * W[m, c, t]`,
/// with zeros outside of X and c running over the channels of m's group.
///
/// - `X`: `[N, C, D1, ...]`; `W`: `[M, C / group, k1, ...]`; `B` (optional): `[M]`. One floating
///   type.
/// - Attributes: those of `Window`; `group` (default 1) divides C and M.
/// - Errors: `.shape` for ranks that differ, channels that do not fit, a `kernel_shape` other than
///   W's, a window larger than its padded input; `.unsupported` beyond three spatial axes.
/// - Accuracy: sums over taps, then channels, in float32 for types up to 32 bits, in float64 for
///   float64. The same for any number of threads.
/// - Gradient: `ConvInputGradient` and `ConvWeightGradient`; by B the sum of each channel.
/// - Cost: constant weights are packed once.
/// - Source: ONNX Conv 1, 11, 22.
public struct Conv: Operator {
  public let window: Window
  public let group: Int

  public static let schema = Schema(
    "Conv", versions: [1, 11, 22],
    inputs: [
      Parameter("X", .floats), Parameter("W", .floats), .optional("B", .floats),
    ],
    outputs: [Parameter("Y", .floats)],
    attributes: Window.specs + [
      AttributeSpec("group", .int, "groups that channels fall into; default 1")
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 4, 5], (0..<80).map { Float(($0 * 7) % 23) / 8 - 1 })
      let w = try Tensor(shape: [3, 2, 2, 3], (0..<36).map { Float(($0 * 5) % 17) / 8 - 1 })
      let deep = try Tensor(shape: [2, 1, 3, 3], (0..<18).map { Float(($0 * 5) % 13) / 8 - 0.5 })
      let line = try Tensor(shape: [1, 1, 2], [0.5, -1.5] as [Float])
      let pads = Window(strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 2])
      return [
        .init(Conv(), [x, w]),
        .init(Conv(window: pads), [x, w, try Tensor([1, -2, 0.5] as [Float])]),
        .init(Conv(window: Window(autoPad: .sameUpper), group: 2), [x, deep]),
        .init(
          Conv(window: Window(dilations: [2])),
          [try Tensor(shape: [1, 1, 5], [1, 2, -1, 0.5, 3] as [Float]), line]),
      ]
    })

  public init(window: Window = Window(), group: Int = 1) {
    self.window = window
    self.group = group
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: false)
    group = try Conv.group(a)
  }
  static func group(_ a: AttributeReader) throws(EngineError) -> Int {
    let group = try a.int("group", default: 1)
    guard group >= 1 else {
      throw EngineError(
        .attribute, "attribute 'group' is out of range", expected: "at least 1",
        received: "\(group)")
    }
    return group
  }
  public var attributes: [Attribute] { window.attributes + [.int("group", group)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0) ?? c.dtype(1)
    let (x, w) = (c.dims(0), c.dims(1))
    guard let rank = x?.count ?? w?.count else { return [Fact(dtype, nil)] }
    try Conv.checkRanks(x, w)
    if let channels = x?[1].known, let part = w?[1].known,
      part.multipliedReportingOverflow(by: group) != (channels, false)
    {
      throw EngineError(
        .shape, "the channels of X and W do not fit together",
        expected: "\(channels) in X = \(group) groups of W's", received: "\(part) in W")
    }
    if let m = w?[0].known, m % group != 0 {
      throw EngineError(
        .shape, "the groups do not divide W's output channels",
        expected: "a multiple of \(group)", received: "\(m)")
    }
    try Conv.checkBias(c.dims(2), outputs: w?[0])
    var dims = [x?[0] ?? c.unknown(), w?[0] ?? c.unknown()]
    let kernel = try kernelDims(w)
    if let x, let kernel {
      dims += try window.outputDims(input: Array(x.dropFirst(2)), kernel: kernel)
    } else {
      dims += c.unknown(rank: rank - 2)
    }
    return [Fact(dtype, dims)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let w = inputs[1], let y = outputs[0] else { return nil }
    return y.product * w.dropFirst().product
  }

  /// Errors: `.shape` where X and W are not of one rank with one to three spatial axes.
  static func checkRanks(_ x: [Dim]?, _ w: [Dim]?) throws(EngineError) {
    for (name, dims) in [("X", x), ("W", w)] {
      if let dims, dims.count < 3 {
        throw EngineError(
          .shape, "input \(name) has no spatial axis", expected: "rank 3 or more",
          received: "\(dims)")
      }
      if let dims, dims.count > 5 {
        throw EngineError(
          .unsupported, "input \(name) has too many spatial axes", expected: "at most 3",
          received: "\(dims)")
      }
    }
    if let x, let w, x.count != w.count {
      throw EngineError(
        .shape, "input W has another rank than X", expected: "rank \(x.count)", received: "\(w)")
    }
  }

  /// Errors: `.shape` where B is not `[outputs]`.
  static func checkBias(_ bias: [Dim]?, outputs: Dim?) throws(EngineError) {
    guard let bias else { return }
    guard bias.count == 1 else {
      throw EngineError(
        .shape, "input B is no vector", expected: "rank 1", received: "rank \(bias.count)")
    }
    if let n = bias[0].known, let m = outputs?.known, n != m {
      throw EngineError(
        .shape, "input B does not fit W", expected: "\(m) elements", received: "\(n)")
    }
  }

  /// The kernel's sizes: W's, which an attribute may only repeat.
  private func kernelDims(_ w: [Dim]?) throws(EngineError) -> [Dim]? {
    try Conv.kernelDims(window, w)
  }
  static func kernelDims(_ window: Window, _ w: [Dim]?) throws(EngineError) -> [Dim]? {
    guard let w else { return window.kernel.isEmpty ? nil : window.kernel.map { Dim($0) } }
    let sizes = Array(w.dropFirst(2))
    if window.kernel.isEmpty { return sizes }
    let agrees =
      sizes.count == window.kernel.count
      && zip(sizes, window.kernel).allSatisfy { $0.known == nil || $0.known == $1 }
    guard agrees else {
      throw EngineError(
        .shape, "kernel_shape is not W's", expected: "\(sizes)", received: "\(window.kernel)")
    }
    return window.kernel.map { Dim($0) }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard w.dtype == x.dtype, y.dtype == x.dtype, let element = GemmElement(x.dtype),
      x.dtype.isFloat
    else { throw p.noKernel() }
    let bias = p.has(2) ? try p.input(2) : nil
    if let bias, bias.dtype != x.dtype { throw p.noKernel() }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let geometry = try ConvGeometry(window, group: group, x: x.shape, w: w.shape)
    let constant = p.constant(1).flatMap { $0.type == w ? $0 : nil }
    if let prepared = try prepareVolume(p) { return prepared }
    if let prepared = try preparePlanes(p, geometry) { return prepared }
    var filter: PackedFilter?
    if let constant, ConvPlan.packsWeights(geometry) {
      let form = "conv in \(group) groups"
      filter = try p.packed(constant, as: form) { (space) throws(EngineError) in
        let source = space.isFilled ? constant : try HalfStage.widened(constant)
        defer { withExtendedLifetime(source) {} }
        return try PackedFilter(source.storage.bytes, geometry, element: element, space: space)
      }
    }
    if constant == nil { return try prepareVariable(p, geometry, element) }
    let plan = ConvPlan(geometry, element: element, packed: filter, threads: p.options.threads)
    let readsWeights = plan.method == .depthwise
    let stage = HalfStage(
      x.dtype, inputs: [x.count, readsWeights ? w.count : 0, bias?.count ?? 0], output: y.count,
      scratchBytes: plan.scratchBytes)
    let hasBias = bias != nil
    return Prepared(scratchBytes: stage.scratchBytes, label: plan.label) {
      (m) throws(EngineError) in
      let (scratch, pool) = (m.scratch, m.pool)
      plan.run(
        x: stage.input(0, m.inputs[0], scratch, pool),
        weights: readsWeights
          ? stage.input(1, m.inputs[1], scratch, pool) : UnsafeRawPointer(m.inputs[1]),
        bias: hasBias ? stage.input(2, m.inputs[2], scratch, pool) : nil,
        y: stage.output(m.outputs[0], scratch), scratch: scratch, pool: pool)
      stage.finish(m.outputs[0], scratch, pool)
    }
  }

  /// Weights that come anew with each run.
  private func prepareVariable(
    _ p: Preparation, _ geometry: ConvGeometry, _ element: GemmElement
  ) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    let hasBias = p.has(2)
    let plan = VariableConvPlan(
      geometry, element: element, exact: p.options.exact, threads: p.options.threads)
    let stage = HalfStage(
      x.dtype, inputs: [x.count, w.count, hasBias ? try p.input(2).count : 0], output: y.count,
      scratchBytes: plan.scratchBytes)
    return Prepared(scratchBytes: stage.scratchBytes, label: plan.label) {
      (m) throws(EngineError) in
      let (scratch, pool) = (m.scratch, m.pool)
      plan.run(
        x: stage.input(0, m.inputs[0], scratch, pool),
        weights: stage.input(1, m.inputs[1], scratch, pool),
        bias: hasBias ? stage.input(2, m.inputs[2], scratch, pool) : nil,
        y: stage.output(m.outputs[0], scratch), scratch: scratch, pool: pool)
      stage.finish(m.outputs[0], scratch, pool)
    }
  }
}

extension Conv {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, w, dy) = (try g.input(0), try g.input(1), try g.upstream())
    if g.needs(0) {
      g.give(0, try b.apply(ConvInputGradient(window: window, group: group), dy, w, x))
    }
    if g.needs(1) {
      g.give(1, try b.apply(ConvWeightGradient(window: window, group: group), x, dy, w))
    }
    if g.needs(2) { g.give(2, try channelSums(b, dy)) }
  }
}

/// The sum of each channel of `[N, C, D1, ...]`: `[C]`.
func channelSums<B: Builder>(_ b: B, _ x: B.Value) throws(EngineError) -> B.Value {
  try sum(b, x, (0..<(knownRank(b, x))).filter { $0 != 1 }, keepDims: false)
}

extension ConvGeometry {
  /// The sizes of a convolution of `x` with weights `w`.
  init(_ window: Window, group: Int, x: Shape, w: Shape) throws(EngineError) {
    let spatial = 2..<x.rank
    let settled = try window.concrete(
      inputSpatial: spatial.map { x[$0] }, kernel: spatial.map { w[$0] })
    self.init(
      batch: x[0], groups: group, channels: w[1], outputs: w[0] / group, input: settled.input,
      output: settled.output, kernel: settled.kernel, strides: settled.strides,
      dilations: settled.dilations, pads: settled.padsBegin)
  }
}
