import Graphs
import Kernels
import Tensors

/// Depthwise convolution over past and present places, for sequences that come in parts.
///
/// `output[b, c, t] = act(bias[c] + sum over j of weight[c, 0, j] * padded[b, c, t + j])`, where
/// `padded` is `past_state` followed by `input`.
///
/// - `input` `[B, C, L]`, `weight` `[C, 1, k]`, `bias` (optional) `[C]`, `past_state` (optional)
///   `[B, C, k - 1]`, zeros by default: float16, bfloat16 or float32.
/// - `activation`: none (default), silu or its other name swish: `x * sigmoid(x)`, of the sum
///   rounded to the dtype.
/// - Outputs: `[B, C, L]`; `present_state` `[B, C, k - 1]`, the last places of `padded`.
/// - Errors: `.attribute`; `.shape` for sizes that do not fit and for a kernel without taps.
/// - Accuracy: sums in float32 in the order of the taps, the bias last.
/// - Source: ONNX CausalConvWithState 27.
public struct CausalConvWithState: FormulaGradient {
  public enum Activation: String, Sendable, CaseIterable { case none, silu, swish }
  public let activation: Activation

  private static let types = DTypes(.float16, .bfloat16, .float32)

  public static let schema = Schema(
    "CausalConvWithState", versions: [27],
    inputs: [
      Parameter("input", types), Parameter("weight", types), .optional("bias", types),
      .optional("past_state", types),
    ],
    outputs: [Parameter("output", types), Parameter("present_state", types)],
    attributes: [AttributeSpec("activation", .string, "none (default), silu or swish")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 5], (0..<20).map { Float(($0 * 7) % 19) / 8 - 1 })
      let w = try Tensor(shape: [2, 1, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      let b = try Tensor([0.5, -0.25] as [Float])
      let past = try Tensor(shape: [2, 2, 2], (0..<8).map { Float($0) / 4 - 1 })
      return [
        .init(CausalConvWithState(), [x, w], outputCount: 2),
        .init(CausalConvWithState(.silu), [x, w, b, past], outputCount: 2),
      ]
    })

  public init(_ activation: Activation = .none) { self.activation = activation }

  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string(
      "activation", default: "none", oneOf: Activation.allCases.map(\.rawValue))
    activation = Activation(rawValue: name) ?? .none
  }
  public var attributes: [Attribute] { [.string("activation", activation.rawValue)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let (x, w) = (c.dims(0), c.dims(1))
    let batch = x?.first ?? c.dims(3)?.first ?? c.unknown()
    if let x { try expect("input", x, [batch, x.count > 1 ? x[1] : 1, x.last ?? 1]) }
    let channels = x?[1] ?? w?.first ?? c.unknown()
    let taps = w?.last ?? c.unknown()
    if let w { try expect("weight", w, [channels, 1, taps]) }
    if let k = taps.known, k < 1 {
      throw EngineError(.shape, "weight has no taps", expected: "at least 1", received: "\(k)")
    }
    if let bias = c.dims(2) { try expect("bias", bias, [channels]) }
    let state = [batch, channels, taps - 1]
    if let past = c.dims(3) { try expect("past_state", past, state) }
    return [
      Fact(c.dtype(0), [batch, channels, x?[2] ?? c.unknown()]), Fact(c.dtype(0), state),
    ]
  }

  private func expect(_ name: String, _ dims: [Dim], _ want: [Dim]) throws(EngineError) {
    let fits =
      dims.count == want.count
      && zip(dims, want).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
    guard fits else {
      throw EngineError(
        .shape, "\(name) does not fit",
        expected: dims.count == want.count ? "\(want)" : "rank \(want.count)", received: "\(dims)")
    }
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let x = inputs[0], let w = inputs[1], let taps = w.last else { return nil }
    return x.product * taps
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try prepare(p, rounding: p.input(0).dtype)
  }

  private func prepare(_ p: Preparation, rounding: DType) throws(EngineError) -> Prepared {
    if let half = try widened(
      p,
      { (wide) throws(EngineError) in
        try prepare(wide, rounding: rounding)
      })
    {
      return half
    }
    let (x, w) = (try p.input(0), try p.input(1))
    guard x.dtype == .float32, p.inputs.allSatisfy({ $0 == nil || $0?.dtype == .float32 }) else {
      throw p.noKernel()
    }
    let kernel = CausalConvKernel(
      batch: x.shape[0], channels: x.shape[1], length: x.shape[2], taps: w.shape[2],
      isActivated: activation != .none, rounding: rounding, threads: p.options.threads)
    let (hasBias, hasPast, wantsOutput, wantsState) = (p.has(2), p.has(3), p.wants(0), p.wants(1))
    return Prepared(scratchBytes: kernel.scratchCount * 4, label: "causal convolution") { m in
      kernel.run(
        .init(
          input: m.input(0), weight: m.input(1), bias: hasBias ? m.input(2) : nil,
          past: hasPast ? m.input(3) : nil, output: wantsOutput ? m.output(0) : nil,
          present: wantsState ? m.output(1) : nil),
        scratch: m.scratch.assumingMemoryBound(to: Float.self), pool: m.pool)
    }
  }
}

extension CausalConvWithState {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let w = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    guard let sizes = b.fact(of: w).dims, let channels = sizes[0].known, let taps = sizes[2].known
    else { throw EngineError(.notDifferentiable, "the sizes of the weight are not known") }
    var whole = x
    if inputs.count > 3, let past = inputs[3] {
      whole = try b.apply(Concat(axis: 2), inputs: [past, x])
    } else {
      let pads = try b.constant(Tensor([0, 0, Int64(taps - 1), 0, 0, 0]))
      whole = try b.apply(Pad(), x, pads)
    }
    let bias = inputs.count > 2 ? inputs[2] : nil
    var y = try b.apply(Conv(group: channels), inputs: [whole, w, bias])
    if activation != .none { y = try b.apply(Swish(), y) }
    if outputs < 2 { return Few(y) }
    let state =
      try taps == 1
      ? slice(b, whole, axis: 2, 0, 0) : slice(b, whole, axis: 2, 1 - taps, Int(Int32.max))
    return Few(y, state)
  }
}
