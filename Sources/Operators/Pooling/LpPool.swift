import Graphs
import Kernels
import Tensors

/// The Lp norm under a sliding window: `y = (sum |x|^p)^(1/p)`.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`.
/// - Attributes: `p`, default 2, at least 1; `kernel_shape`, `strides`, `dilations`, `pads`,
///   `auto_pad`, `ceil_mode` as in `Window`. Pads count as zeros.
/// - Errors: `.shape` for a rank below 3 or a window larger than its padded input; `.attribute`.
/// - Source: ONNX LpPool 1, 2, 11, 18, 22.
public struct LpPool: FormulaGradient {
  public let window: Window
  public let p: Int

  public static let schema = Schema(
    "LpPool", versions: [1, 2, 11, 18, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: poolSpecs.known(since: ["ceil_mode": 18, "dilations": 18]) + normOrderSpecs,
    isDifferentiable: true,
    cases: {
      let x = try poolExample()
      return [
        .init(LpPool(Window(kernel: [2, 2])), [x]),
        .init(LpPool(Window(kernel: [3, 2], strides: [1, 2]), p: 3), [x]),
      ]
    })

  public init(_ window: Window, p: Int = 2) {
    self.window = window
    self.p = p
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
    p = try normOrder(a)
  }
  public var attributes: [Attribute] { window.attributes + (p == 2 ? [] : [.int("p", p)]) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(0), try pooledDims(c, window))]
  }

  public func prepare(_ prep: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(prep) { return half }
    let x = try prep.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw prep.noKernel() }
    let kernel = try poolKernel(.norm(p: p), window, x.shape)
    let dtype = x.dtype
    return Prepared(label: "lp pool") { m in
      kernel.run(dtype, m.inputs[0], into: m.outputs[0], pool: m.pool)
    }
  }
}

let normOrderSpecs = [
  AttributeSpec("p", .float, "order of the norm, a whole number; default 2", before: 2),
  AttributeSpec("p", .int, "order of the norm, at least 1; default 2", since: 2),
]

/// The attribute `p` of the Lp poolings.
func normOrder(_ a: AttributeReader) throws(EngineError) -> Int {
  var p = 2
  if a.opset < 2 {
    // A float then; only whole numbers have a kernel.
    let order = try a.float("p", default: 2)
    guard let whole = Int(exactly: order) else {
      throw EngineError(
        .attribute, "attribute 'p' is no whole number", expected: "1, 2, ...", received: "\(order)")
    }
    p = whole
  } else {
    p = try a.int("p", default: 2)
  }
  guard p >= 1, p <= Int(Int32.max) else {
    throw EngineError(
      .attribute, "attribute 'p' is out of range", expected: "at least 1", received: "\(p)")
  }
  return p
}

extension LpPool {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    let total = try b.apply(
      WindowSum(window), power(b, p % 2 == 0 ? x : b.apply(Abs(), x), Double(p)))
    if p == 1 { return Few(total) }
    let root = try power(b, nonzero(b, total), 1 / Double(p))
    return Few(try masked(b, root, where: isGreater(b, total, 0)))
  }
}
