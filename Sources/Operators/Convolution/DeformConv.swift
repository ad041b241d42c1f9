import Graphs
import Kernels
import Tensors

/// Convolution whose taps are displaced by learned offsets, and weighted by a mask.
///
/// `Y[n, m, o] = B[m] + sum over c, t of W[m, c, t] * mask[n, t, o] *
/// X[n, c, o * stride - pad + t * dilation + offset[n, t, :, o]]`, X read between elements by linear
/// interpolation, with zeros outside.
///
/// - `X` `[N, C, D1, ...]`, `W` `[M, C / group, k1, ...]`; `offset`
///   `[N, offset_group * taps * axes, O1, ...]`, the axes of a tap side by side; `B` (optional)
///   `[M]`; `mask` (optional) `[N, offset_group * taps, O1, ...]`. One float dtype; any number of
///   spatial axes.
/// - Attributes: `strides`, `dilations`, `pads`, `kernel_shape` as of Conv; `group` (default 1)
///   divides C and M; `offset_group` (default 1) divides C: each part has offsets of its own.
/// - Errors: `.shape` for operands that do not fit; `.attribute`.
/// - Edges: a place at or beyond one element outside, or NaN, reads zero.
/// - Accuracy: places in float64; sums in float32 for types up to 32 bits, else in float64.
/// - Source: ONNX DeformConv 19, 22; Dai et al. 2017, Zhu et al. 2018.
public struct DeformConv: FormulaGradient {
  public let window: Window
  public let group: Int
  public let offsetGroup: Int

  public static let schema = Schema(
    "DeformConv", versions: [19, 22],
    inputs: [
      Parameter("X", .floats), Parameter("W", .floats), Parameter("offset", .floats),
      .optional("B", .floats), .optional("mask", .floats),
    ],
    outputs: [Parameter("Y", .floats)],
    attributes: Window.specs.filter { $0.name != "auto_pad" } + [
      AttributeSpec("group", .int, "groups that channels fall into; default 1"),
      AttributeSpec("offset_group", .int, "groups of channels that share offsets; default 1"),
    ],
    isDifferentiable: true,
    cases: {
      // Offsets lie away from whole numbers, where the gradient jumps.
      func wave(_ shape: Shape, _ phase: Int, _ scale: Float = 0.3) throws -> Tensor {
        try Tensor(
          shape: shape,
          (0..<shape.count).map { (Float((($0 + phase) * 7) % 17) - 8) * scale + 0.037 })
      }
      let line = try wave([1, 1, 6], 1)
      return [
        .init(
          DeformConv(),
          [
            try wave([1, 2, 4, 4], 0), try wave([2, 2, 2, 2], 3),
            try wave([1, 8, 3, 3], 5, 0.11),
          ]),
        .init(
          DeformConv(
            window: Window(strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 1]), group: 2,
            offsetGroup: 2),
          [
            try wave([1, 4, 4, 3], 2), try wave([2, 2, 2, 2], 1), try wave([1, 16, 2, 3], 3, 0.13),
            try Tensor([0.5, -1] as [Float]), try wave([1, 8, 2, 3], 6, 0.17),
          ]),
        .init(
          DeformConv(window: Window(dilations: [2])),
          [
            line, try Tensor(shape: [1, 1, 2], [0.5, -1.5] as [Float]),
            try wave([1, 2, 4], 2, 0.21),
          ]),
      ]
    })

  public init(window: Window = Window(), group: Int = 1, offsetGroup: Int = 1) {
    self.window = window
    self.group = group
    self.offsetGroup = offsetGroup
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: false)
    group = try Conv.group(a)
    offsetGroup = try a.int("offset_group", default: 1)
    guard offsetGroup >= 1, offsetGroup <= Int(Int32.max) else {
      throw EngineError(
        .attribute, "attribute 'offset_group' is out of range", expected: "at least 1",
        received: "\(offsetGroup)")
    }
  }
  public var attributes: [Attribute] {
    window.attributes + [.int("group", group), .int("offset_group", offsetGroup)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let (x, w, offset) = (c.dims(0), c.dims(1), c.dims(2))
    guard let rank = x?.count ?? w?.count ?? offset?.count else { return [Fact(c.dtype(0), nil)] }
    for (name, dims) in [("X", x), ("W", w), ("offset", offset), ("mask", c.dims(4))] {
      if let dims, dims.count != rank || rank < 3 {
        throw EngineError(
          .shape, "input \(name) has the wrong rank", expected: "\(max(rank, 3))",
          received: "shape \(dims)")
      }
    }
    for (name, parts) in [("group", group), ("offset_group", offsetGroup)] {
      if let n = x?[1].known, n % parts != 0 {
        throw EngineError(
          .shape, "the channels do not divide into groups",
          expected: "a multiple of \(name) \(parts)",
          received: "\(n)")
      }
    }
    if let n = x?[1].known, let part = w?[1].known, n / group != part {
      throw EngineError(
        .shape, "the channels of X and W do not fit together", expected: "\(n / group) in W",
        received: "\(part)")
    }
    if let m = w?[0].known, m % group != 0 {
      throw EngineError(
        .shape, "the groups do not divide W's output channels",
        expected: "a multiple of \(group)", received: "\(m)")
    }
    try Conv.checkBias(c.dims(3), outputs: w?[0])
    let batch = x?[0] ?? offset?[0] ?? c.unknown()
    let kernel = try Conv.kernelDims(window, w)
    var output = offset.map { Array($0.dropFirst(2)) } ?? c.unknown(rank: rank - 2)
    if let x, let kernel {
      output = try window.outputDims(input: Array(x.dropFirst(2)), kernel: kernel)
    }
    if let kernel {
      let taps = Dim(offsetGroup) * kernel.product
      try expect("offset", offset, [batch, taps * Dim(rank - 2)] + output)
      try expect("mask", c.dims(4), [batch, taps] + output)
    }
    return [Fact(c.dtype(0), [batch, w?[0] ?? c.unknown()] + output)]
  }

  private func expect(_ name: String, _ dims: [Dim]?, _ want: [Dim]) throws(EngineError) {
    guard let dims else { return }
    let fits = zip(dims, want).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
    guard fits else {
      throw EngineError(
        .shape, "input \(name) does not fit", expected: "\(want)", received: "\(dims)")
    }
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let w = inputs[1], let y = outputs[0] else { return nil }
    return y.product * w.dropFirst().product
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard let element = GemmElement(x.dtype), element == .float32 || element == .float64,
      p.inputs.allSatisfy({ $0 == nil || $0?.dtype == x.dtype })
    else { throw p.noKernel() }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let spatial = 2..<x.shape.rank
    let settled = try window.concrete(
      inputSpatial: spatial.map { x.shape[$0] }, kernel: spatial.map { w.shape[$0] })
    var s = DeformConvKernel.Sizes()
    (s.batch, s.channels, s.outputs) = (x.shape[0], x.shape[1], w.shape[0])
    (s.groups, s.offsetGroups) = (group, offsetGroup)
    (s.input, s.output, s.kernel) = (settled.input, settled.output, settled.kernel)
    (s.strides, s.dilations) = (settled.strides, settled.dilations)
    s.pads = settled.padsBegin
    let (hasBias, hasMask) = (p.has(3), p.has(4))
    let kernel = DeformConvKernel(
      s, element: element, hasBias: hasBias, threads: p.options.threads)
    return Prepared(scratchBytes: kernel.scratchBytes, label: "deformed columns and gemm") { m in
      kernel.run(
        .init(
          input: m.inputs[0], weight: m.inputs[1], offset: m.inputs[2],
          bias: hasBias ? UnsafeRawPointer(m.inputs[3]) : nil,
          mask: hasMask ? UnsafeRawPointer(m.inputs[4]) : nil, result: m.outputs[0]),
        scratch: m.scratch, pool: m.pool)
    }
  }
}
