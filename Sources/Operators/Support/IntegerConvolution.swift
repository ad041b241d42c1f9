import Graphs
import Kernels
import Tensors

/// The convolution that ConvInteger and QLinearConv share.
struct IntegerConvolution: Sendable {
  let kernel: IntegerConv
  private let isSigned: Bool
  private let xIndex: (factor: Int, zero: Int?)
  private let wIndex: (factor: Int, zero: Int?)
  /// Nil where the weights are packed.
  private let widen: FactorWidening?
  private let weightBytes: Int
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
    let spatial = Array(input.shape.array.dropFirst(2))
    let settled = try window.concrete(
      inputSpatial: spatial, kernel: Array(weights.shape.array.dropFirst(2)))
    let geometry = IntegerConv.Geometry(
      batch: input.shape[0], groups: group, inputs: weights.shape[1], outputs: channels / group,
      kernel: settled.kernel, strides: settled.strides, dilations: settled.dilations,
      pads: settled.padsBegin, input: settled.input, output: settled.output)
    let places = Table((0..<channels).map { zeros == 1 ? 0 : $0 })
    guard
      let wide = FactorWidening(
        from: weights.dtype, toFloat: false, length: geometry.depth, places: places, step: 0)
    else { throw p.noKernel() }
    var packed: [PackedMatrix] = []
    let zero = wIndex.zero.flatMap { p.constant($0) }
    if let constant = p.constant(w.0), constant.type == weights, wIndex.zero == nil || zero != nil,
      weights.count > 0
    {
      let k = geometry.depth
      let tensor = try Tensor(TensorType(.int32, weights.shape)) { (bytes) throws(EngineError) in
        guard let base = bytes.baseAddress else { return }
        wide.run(
          constant.storage.bytes, zero: zero.map { UnsafeRawPointer($0.storage.bytes) }, base,
          .single)
      }
      defer { withExtendedLifetime(tensor) {} }
      for g in 0..<group {
        packed.append(
          try PackedMatrix(
            .left, count: geometry.outputs, k: k, element: .int32,
            from: tensor.storage.bytes + g * geometry.outputs * k * 4, across: k, along: 1))
      }
    }
    widen = packed.isEmpty ? wide : nil
    weightBytes = packed.isEmpty ? (wide.byteCount + 63) / 64 * 64 : 0
    kernel = IntegerConv(geometry, packed: packed, threads: p.options.threads)
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
  var scratchBytes: Int { weightBytes + kernel.scratchBytes }

  /// As `IntegerConv.run`.
  func run(
    _ m: Memory, scratch: UnsafeMutableRawPointer,
    finish: (Int, Int, UnsafePointer<Int32>, Int) -> Void
  ) {
    widen?.run(
      m.inputs[wIndex.factor], zero: wIndex.zero.map { UnsafeRawPointer(m.inputs[$0]) }, scratch,
      m.pool)
    var zero: Int32 = 0
    if let index = xIndex.zero {
      let p = m.inputs[index]
      zero = isSigned ? Int32(p.load(as: Int8.self)) : Int32(p.load(as: UInt8.self))
    }
    kernel.run(
      m.inputs[xIndex.factor], isSigned: isSigned, zero: zero,
      weights: UnsafePointer(scratch.assumingMemoryBound(to: Int32.self)),
      scratch: scratch + weightBytes, pool: m.pool, finish: finish)
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
