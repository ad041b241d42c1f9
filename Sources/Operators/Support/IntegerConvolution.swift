import Graphs
import Kernels
import Tensors

/// The convolution that ConvInteger and QLinearConv share.
struct IntegerConvolution: Sendable {
  let kernel: IntegerConv
  private let isSigned: Bool
  private let xIndex: (factor: Int, zero: Int?)
  private let wIndex: (factor: Int, zero: Int?)
  private let weightZeroStep: Int
  /// Output channels of all groups.
  let channels: Int

  /// The inputs of `p` with the numbers given; the zero points may be absent.
  ///
  /// Errors: `.shape` for sizes and zero points that do not fit.
  init(
    _ p: Preparation, window: Window, group: Int, x: (Int, Int), w: (Int, Int)
  ) throws(EngineError) {
    let (input, weights) = (try p.input(x.0), try p.input(w.0))
    xIndex = (x.0, p.has(x.1) ? x.1 : nil)
    wIndex = (w.0, p.has(w.1) ? w.1 : nil)
    isSigned = input.dtype == .int8
    channels = weights.shape[0]
    if let index = xIndex.zero, try p.input(index).count != 1 {
      throw EngineError(
        .shape, "x has more than one zero point", expected: "one element",
        received: "\(try p.input(index).shape)")
    }
    let zeros: Int = if let index = wIndex.zero { try p.input(index).count } else { 1 }
    try IntegerConvolution.check(zeros, channels, "zero points")
    weightZeroStep = zeros == 1 ? 0 : 1
    let spatial = Array(input.shape.array.dropFirst(2))
    let settled = try window.concrete(
      inputSpatial: spatial, kernel: Array(weights.shape.array.dropFirst(2)))
    let geometry = IntegerConv.Geometry(
      batch: input.shape[0], groups: group, inputs: weights.shape[1], outputs: channels / group,
      kernel: settled.kernel, strides: settled.strides, dilations: settled.dilations,
      pads: settled.padsBegin, input: settled.input, output: settled.output)
    guard MatMulInteger.types.contains(input.dtype), MatMulInteger.types.contains(weights.dtype)
    else { throw p.noKernel() }
    kernel = IntegerConv(
      geometry, xIsSigned: isSigned, wIsSigned: weights.dtype == .int8, threads: p.options.threads)
  }

  /// Errors: `.shape` where there is neither one of `what` nor one for each channel.
  static func check(_ count: Int, _ channels: Int, _ what: String) throws(EngineError) {
    guard count == 1 || count == channels else {
      throw EngineError(
        .shape, "\(what) of w do not fit its output channels", expected: "1 or \(channels)",
        received: "\(count)")
    }
  }

  /// 64-byte aligned.
  var scratchBytes: Int { kernel.scratchBytes }

  /// As `IntegerConv.run`.
  func run(
    _ m: Memory, scratch: UnsafeMutableRawPointer,
    finish: (Int, Int, UnsafePointer<Int32>, Int) -> Void
  ) {
    let zero = xIndex.zero.map { QuantizedBytes.code(m.inputs[$0], 0, isSigned: isSigned) } ?? 0
    kernel.run(
      m.inputs[xIndex.factor], zero: zero, weights: m.inputs[wIndex.factor],
      weightZeros: wIndex.zero.map { UnsafeRawPointer(m.inputs[$0]) },
      weightZeroStep: weightZeroStep, scratch: scratch, pool: m.pool, finish: finish)
  }

  /// Sizes of the result for inputs number `x` and `w`.
  static func dims(
    _ c: Inference, _ window: Window, _ group: Int, _ x: Int, _ w: Int, bias: Int? = nil
  ) throws(EngineError) -> [Dim]? {
    guard let input = c.dims(x), let weights = c.dims(w) else {
      return (c.rank(x) ?? c.rank(w)).map { c.unknown(rank: $0) }
    }
    let addend: Fact? = bias.flatMap { i in c.has(i) ? Fact(nil, c.dims(i)) : nil }
    return try Conv(window: window, group: group).infer(
      Inference(inputs: [Fact(nil, input), Fact(nil, weights), addend])
    ).first?.dims
  }
}
