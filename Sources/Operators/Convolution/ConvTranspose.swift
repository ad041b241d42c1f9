import Graphs
import Kernels
import Tensors

/// Transposed convolution over one to three spatial axes, in groups: the gradient of `Conv` with
/// respect to its input.
///
/// `Y[n, m, i * stride - pad + t * dilation] += X[n, c, i] * W[c, m, t]`, over the channels c of
/// m's group, starting from `B[m]`.
///
/// - `X`: `[N, C, D1, ...]`; `W`: `[C, M / group, k1, ...]`; `B` (optional): `[M]`. One floating
///   type.
/// - Attributes: those of `Window`, `group` (default 1), `output_padding` (default 0), and
///   `output_shape`, which takes the place of `pads`.
/// - Output: `stride * (D - 1) + output_padding + (k - 1) * dilation + 1 - pads` along each axis;
///   `D * stride` for the SAME modes; or `output_shape`. In the latter two what is too much is cut
///   off, the odd one at the end for SAME_UPPER and else at the beginning; what is missing is
///   added at the end.
/// - Errors: `.shape` as for `Conv`, and for pads that leave nothing; `.unsupported` beyond three
///   spatial axes.
/// - Accuracy: float32 sums for types up to 32 bits, float64 for float64.
/// - Gradient: by X a convolution, by W a `ConvWeightGradient`; by B the sum of each channel.
/// - Source: ONNX ConvTranspose 1, 11, 22.
public struct ConvTranspose: Operator {
  public let window: Window
  public let group: Int
  public let outputPadding: [Int]
  public let outputShape: [Int]

  public static let schema = Schema(
    "ConvTranspose", versions: [1, 11, 22],
    inputs: [
      Parameter("X", .floats), Parameter("W", .floats), .optional("B", .floats),
    ],
    outputs: [Parameter("Y", .floats)],
    attributes: Window.specs + [
      AttributeSpec("group", .int, "groups that channels fall into; default 1"),
      AttributeSpec("output_padding", .ints, "elements added at each axis' end; default 0"),
      AttributeSpec("output_shape", .ints, "sizes of the spatial axes; default: derived"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 3, 2], (0..<12).map { Float(($0 * 5) % 11) / 4 - 1 })
      let w = try Tensor(shape: [2, 1, 2, 3], (0..<12).map { Float(($0 * 7) % 13) / 4 - 1 })
      return [
        .init(ConvTranspose(), [x, w]),
        .init(
          ConvTranspose(
            window: Window(strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 1]), group: 2,
            outputPadding: [1, 0]), [x, w, try Tensor([0.5, -2] as [Float])]),
        .init(
          ConvTranspose(window: Window(strides: [2, 2]), outputShape: [6, 5]), [x, w]),
      ]
    })

  public init(
    window: Window = Window(), group: Int = 1, outputPadding: [Int] = [], outputShape: [Int] = []
  ) {
    self.window = window
    self.group = group
    self.outputPadding = outputPadding
    self.outputShape = outputShape
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: false)
    group = try Conv.group(a)
    outputPadding = try a.ints("output_padding", default: [])
    outputShape = try a.ints("output_shape", default: [])
    for (name, list) in [("output_padding", outputPadding), ("output_shape", outputShape)] {
      for n in list where n < 0 || n > Int(Int32.max) {
        throw EngineError(
          .attribute, "attribute '\(name)' has an element out of range",
          expected: "0 to \(Int32.max)", received: "\(list)")
      }
    }
  }
  public var attributes: [Attribute] {
    var list = window.attributes + [.int("group", group)]
    if !outputPadding.isEmpty { list.append(.ints("output_padding", outputPadding)) }
    if !outputShape.isEmpty { list.append(.ints("output_shape", outputShape)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0) ?? c.dtype(1)
    let (x, w) = (c.dims(0), c.dims(1))
    guard let rank = x?.count ?? w?.count else { return [Fact(dtype, nil)] }
    try Conv.checkRanks(x, w)
    if let channels = x?[1].known, let rows = w?[0].known, channels != rows {
      throw EngineError(
        .shape, "the channels of X and W do not fit together", expected: "\(channels) as in X",
        received: "\(rows) in W")
    }
    if let channels = (x?[1] ?? w?[0])?.known, channels % group != 0 {
      throw EngineError(
        .shape, "the groups do not divide X's channels", expected: "a multiple of \(group)",
        received: "\(channels)")
    }
    let outputs = w.map { $0[1] * Dim(group) }
    try Conv.checkBias(c.dims(2), outputs: outputs)
    var dims = [x?[0] ?? c.unknown(), outputs ?? c.unknown()]
    if let kernel = try Conv.kernelDims(window, w), let x {
      dims += try spatialDims(Array(x.dropFirst(2)), kernel)
    } else if outputShape.count == rank - 2 {
      dims += outputShape.map { Dim($0) }
    } else {
      dims += c.unknown(rank: rank - 2)
    }
    return [Fact(dtype, dims)]
  }

  /// Sizes of the result along the spatial axes.
  private func spatialDims(_ x: [Dim], _ kernel: [Dim]) throws(EngineError) -> [Dim] {
    for (name, count) in [
      ("kernel_shape", kernel.count), ("strides", window.strides.count),
      ("dilations", window.dilations.count), ("pads", window.padsBegin.count),
      ("output_padding", outputPadding.count), ("output_shape", outputShape.count),
    ] where count != 0 && count != x.count {
      throw EngineError(
        .attribute, "attribute '\(name)' does not fit the input's rank",
        expected: "\(x.count) spatial axes", received: "\(count)")
    }
    if !outputShape.isEmpty { return outputShape.map { Dim($0) } }
    var dims: [Dim] = []
    for (i, n) in x.enumerated() {
      let stride = Dim(window.stride(i))
      if window.autoPad == .sameUpper || window.autoPad == .sameLower {
        dims.append(n * stride)
        continue
      }
      let whole = wholeDim(n, kernel[i], i)
      let isPadded = window.autoPad == .explicit && !window.padsBegin.isEmpty
      let size = isPadded ? whole - Dim(window.padsBegin[i]) - Dim(window.padsEnd[i]) : whole
      if let known = size.known, known < 0 {
        throw EngineError(
          .shape, "pads leave nothing along spatial axis \(i)", expected: "at most \(whole)",
          received: "\(window.padsBegin[i]) + \(window.padsEnd[i])")
      }
      dims.append(size)
    }
    return dims
  }

  /// The size before anything is cut off.
  private func wholeDim(_ n: Dim, _ kernel: Dim, _ i: Int) -> Dim {
    Dim(window.stride(i)) * (n - 1) + Dim(i < outputPadding.count ? outputPadding[i] : 0)
      + (kernel - 1) * Dim(window.dilation(i)) + 1
  }

  /// What is cut off before each axis.
  func pads(_ x: [Int], _ kernel: [Int], _ output: [Int]) -> [Int] {
    let isSame = window.autoPad == .sameUpper || window.autoPad == .sameLower
    if outputShape.isEmpty && !isSame {
      let isPadded = window.autoPad == .explicit && !window.padsBegin.isEmpty
      return isPadded ? window.padsBegin : x.map { _ in 0 }
    }
    return x.indices.map { i in
      let whole = wholeDim(Dim(x[i]), Dim(kernel[i]), i).known ?? 0
      let total = max(0, whole - output[i])
      return window.autoPad == .sameUpper ? total / 2 : total - total / 2
    }
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let x = inputs[0], let w = inputs[1] else { return nil }
    return x.product * w.dropFirst().product
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard w.dtype == x.dtype, y.dtype == x.dtype, let element = GemmElement(x.dtype),
      x.dtype.isFloat
    else { throw p.noKernel() }
    let bias = p.has(2) ? try p.input(2) : nil
    if let bias, bias.dtype != x.dtype { throw p.noKernel() }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let spatial = 2..<x.shape.rank
    let (input, output) = (spatial.map { x.shape[$0] }, spatial.map { y.shape[$0] })
    let kernel = spatial.map { w.shape[$0] }
    let geometry = ConvGeometry(
      batch: x.shape[0], groups: group, channels: w.shape[1], outputs: w.shape[0] / group,
      input: output, output: input, kernel: kernel,
      strides: input.indices.map { window.stride($0) },
      dilations: input.indices.map { window.dilation($0) }, pads: pads(input, kernel, output))
    var constant: Tensor?
    if let weights = p.constant(1), weights.type == w {
      constant = try HalfStage.widened(weights)
      if let prepared = try preparePlanes(p, geometry, weights) { return prepared }
    }
    let plan = try ConvTransposePlan(
      geometry, element: element, weights: constant.map { UnsafeRawPointer($0.storage.bytes) },
      threads: p.options.threads)
    withExtendedLifetime(constant) {}
    let readsWeights = constant == nil
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
}

extension ConvTranspose {
  /// The convolution of which this is the transpose, for sizes that are known where they matter.
  ///
  /// Errors: `.notDifferentiable` where sizes decide the pads and are not known.
  private func transposed<B: Builder>(
    _ b: B, _ g: Backward<B.Value>
  ) throws(EngineError) -> Window {
    let (x, w) = (b.fact(of: try g.input(0)).dims, b.fact(of: try g.input(1)).dims)
    var result = Window(strides: window.strides, dilations: window.dilations)
    let isSame = window.autoPad == .sameUpper || window.autoPad == .sameLower
    let isFixed = outputPadding.allSatisfy { $0 == 0 } && outputShape.isEmpty && !isSame
    if isFixed {
      if window.autoPad == .explicit {
        (result.padsBegin, result.padsEnd) = (window.padsBegin, window.padsEnd)
      }
      return result
    }
    let y = b.fact(of: g.output).dims
    guard let x, let w, let y else {
      throw EngineError(.notDifferentiable, "the sizes of a transposed convolution are not known")
    }
    let spatial = 2..<x.count
    let (input, kernel, output) = (
      spatial.compactMap { x[$0].known }, spatial.compactMap { w[$0].known },
      spatial.compactMap { y[$0].known }
    )
    guard input.count == spatial.count, kernel.count == spatial.count, output.count == spatial.count
    else {
      throw EngineError(.notDifferentiable, "the sizes of a transposed convolution are not known")
    }
    result.padsBegin = pads(input, kernel, output)
    // What the last window reaches over the end; less than nothing where none reaches it.
    result.padsEnd = input.indices.map { i in
      let reach = (input[i] - 1) * window.stride(i) + (kernel[i] - 1) * window.dilation(i) + 1
      return max(0, reach - result.padsBegin[i] - output[i])
    }
    return result
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, w) = (try g.input(0), try g.input(1))
    var up = try g.upstream()
    if g.needs(2) { g.give(2, try channelSums(b, up)) }
    guard g.needs(0) || g.needs(1) else { return }
    let window = try transposed(b, g)
    // Rows at the end that no window reaches would make one window more.
    up = try cropped(b, up, g, window)
    if g.needs(0) { g.give(0, try b.apply(Conv(window: window, group: group), up, w)) }
    if g.needs(1) {
      g.give(1, try b.apply(ConvWeightGradient(window: window, group: group), up, x, w))
    }
  }

  private func cropped<B: Builder>(
    _ b: B, _ up: B.Value, _ g: Backward<B.Value>, _ conv: Window
  ) throws(EngineError) -> B.Value {
    func known(_ v: B.Value) -> [Int]? {
      let dims = b.fact(of: v).dims?.dropFirst(2).compactMap(\.known)
      // Two that do not matter go in front.
      return dims.flatMap { $0.count + 2 == b.fact(of: v).rank ? [0, 0] + $0 : nil }
    }
    guard let x = known(try g.input(0)), let w = known(try g.input(1)), let y = known(g.output)
    else { return up }
    var ends: [Int64] = []
    for i in 2..<x.count {
      let reach = (x[i] - 1) * conv.stride(i - 2) + (w[i] - 1) * conv.dilation(i - 2) + 1
      let begin = conv.padsBegin.isEmpty ? 0 : conv.padsBegin[i - 2]
      ends.append(Int64(min(y[i], reach - begin)))
    }
    guard zip(ends, y.dropFirst(2)).contains(where: { $0 < Int64($1) }) else { return up }
    let starts = try b.constant(Tensor(ends.map { _ in Int64(0) }))
    let axes = try b.constant(Tensor(ends.indices.map { Int64($0 + 2) }))
    return try b.apply(
      Slice(), inputs: [up, starts, try b.constant(Tensor(ends)), axes])
  }
}
