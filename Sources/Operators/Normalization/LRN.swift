import Graphs
import Kernels
import Tensors

/// Local response normalisation across channels:
/// `Y = X / (bias + alpha / size * sum(X^2))^beta`, the sum over `size` channels around each.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`.
/// - Attributes: `size`, at least 1, `floor((size - 1) / 2)` channels before and the rest after;
///   `alpha` default 1e-4; `beta` default 0.75; `bias` default 1.
/// - Errors: `.shape` for a rank below 2; `.attribute` for size.
/// - Source: ONNX LRN 1, 13.
public struct LRN: FormulaGradient {
  public let size: Int
  public let alpha: Float
  public let beta: Float
  public let bias: Float

  public static let schema = Schema(
    "LRN", versions: [1, 13], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("alpha", .float, "default 1e-4"),
      AttributeSpec("beta", .float, "default 0.75"), AttributeSpec("bias", .float, "default 1"),
      AttributeSpec("size", .int, "channels in a sum, at least 1"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 5, 2, 2], (0..<20).map { Float(($0 * 7) % 20) * 0.5 - 4 })
      return [
        .init(LRN(size: 3), [x]), .init(LRN(size: 2, alpha: 0.5, beta: 0.5, bias: 2), [x]),
      ]
    })

  public init(size: Int, alpha: Float = 1e-4, beta: Float = 0.75, bias: Float = 1) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    size = try a.int("size")
    guard size >= 1, size <= Int(Int32.max) else {
      throw EngineError(
        .attribute, "attribute 'size' is out of range", expected: "at least 1", received: "\(size)")
    }
    alpha = try a.float("alpha", default: 1e-4)
    beta = try a.float("beta", default: 0.75)
    bias = try a.float("bias", default: 1)
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = [.int("size", size)]
    if alpha != 1e-4 { list.append(.float("alpha", alpha)) }
    if beta != 0.75 { list.append(.float("beta", beta)) }
    if bias != 1 { list.append(.float("bias", bias)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count < 2 { throw channelRank("\(x)") }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let dtype = try commonReal(p, 0..<1)
    let x = try p.input(0).shape
    guard x.rank >= 2 else { throw channelRank("\(x)") }
    let (batch, channels, count) = (x[0], x[1], x.count(of: 2..<x.rank))
    let (window, alpha, beta, bias) = (size, Double(alpha), Double(beta), Double(bias))
    return Prepared(label: "lrn") { m in
      AxisNormalize.localResponse(
        dtype, m.inputs[0], batch: batch, channels: channels, size: count, window: window,
        alpha: alpha, beta: beta, bias: bias, into: m.outputs[0], pool: m.pool)
    }
  }
}

extension LRN {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    // [N, 1, C, places]: the sum over channels is a window's.
    let square = try reshape(
      b, b.apply(Unsqueeze(axes: [1]), times(b, x, x)), [0, 0, 0, -1])
    let before = (size - 1) / 2
    let window = Window(
      kernel: [size, 1], padsBegin: [before, 0], padsEnd: [size - 1 - before, 0])
    let sum = try reshape(b, b.apply(WindowSum(window), square), like: x)
    let base = try plus(b, times(b, sum, Double(alpha) / Double(size)), Double(bias))
    return Few(try times(b, x, power(b, base, -Double(beta))))
  }
}
