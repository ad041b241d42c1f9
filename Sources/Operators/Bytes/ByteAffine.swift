import Graphs
import Kernels
import Tensors

/// A factor and a term for each channel of an image of bytes:
/// `Y[n, h, w, c] = clamp(round((X[n, h, w, c] - x_zero) F[c] + S[c]) + y_zero, low, high)`.
///
/// - `X`: uint8 `[N, H, W, C in fours]`. `F`: float32 `[C]`, steps of Y that one of X stands for.
///   `S`: float32 `[C]`, in steps of Y.
/// - Attributes: zero points of X and Y; bounds of the result.
/// - Output: uint8, X's shape; bytes behind the last channel are of no meaning.
/// - Errors: `.shape` for other sizes.
/// - Edges: NaN becomes `low`. Ties round to even.
/// - Accuracy: float32, product and sum rounded.
/// - Source: domain ai.dlrun 1; ONNX BatchNormalization between DequantizeLinear and QuantizeLinear.
public struct ByteAffine: Operator {
  public let x: Int
  public let y: Int
  public let low: Int
  public let high: Int

  public static let schema = Schema(
    "ByteAffine", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", ByteLayout.types), Parameter("F", DTypes(.float32), ""),
      Parameter("S", DTypes(.float32), ""),
    ],
    outputs: [Parameter("Y", ByteLayout.types)],
    attributes: [
      AttributeSpec("x_zero", .int, "the byte of X that stands for 0; default 0"),
      AttributeSpec("y_zero", .int, "the byte of Y that stands for 0; default 0"),
    ] + ByteLayout.boundSpecs,
    cases: {
      let x = try ByteLayout.example()
      let factors = try Tensor((0..<6).map { Float($0) * 0.3 - 0.7 })
      let shifts = try Tensor((0..<6).map { Float($0) * 7.3 - 20 })
      return [
        .init(ByteAffine(x: 100, y: 90), [x, factors, shifts]),
        .init(ByteAffine(x: 3, y: 120, low: 120, high: 200), [x, factors, shifts]),
      ]
    })

  public init(x: Int, y: Int, low: Int = 0, high: Int = 255) {
    (self.x, self.y, self.low, self.high) = (x, y, low, high)
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    x = try ByteLayout.byte("x_zero", a, default: 0)
    y = try ByteLayout.byte("y_zero", a, default: 0)
    (low, high) = try ByteLayout.bounds(a)
  }
  public var attributes: [Attribute] {
    [.int("x_zero", x), .int("y_zero", y), .int("low", low), .int("high", high)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (i, name) in [(1, "F"), (2, "S")] {
      guard let given = c.dims(i) else { continue }
      guard given.count == 1 else {
        throw EngineError(
          .shape, "input \(name) is no number for each channel", expected: "[C]",
          received: "\(given)")
      }
      _ = try ByteLayout.plain(c.dims(0), channels: given[0], "X")
    }
    return [Fact(.uint8, c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let shape = try p.input(0).shape
    if shape.count == 0 { return Prepared { (_) throws(EngineError) in } }
    guard let f = p.constant(1), let s = p.constant(2) else { return .dynamic }
    let plan = try plan(f, s, step: shape[3])
    let pixels = shape[0] * shape[1] * shape[2]
    return Prepared(inPlace: 1, label: plan.label) { m in
      plan.run(m.input(0), m.output(0), pixels: pixels, pool: m.pool)
    }
  }

  private func plan(_ f: Tensor, _ s: Tensor, step: Int) throws(EngineError) -> ByteAffinePlan {
    let factors = try f.values(as: Float.self)
    let shifts = try s.values(as: Float.self)
    func filled(_ list: [Float]) -> [Float] {
      list + [Float](repeating: 0, count: max(0, step - list.count))
    }
    return ByteAffinePlan(
      factors: filled(factors), shifts: filled(shifts), zero: x, yZero: y, low: low, high: high)
  }

  /// With factors that are not known before the run.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var t: [Tensor] = []
    for input in e.inputs {
      guard let input else { throw EngineError(.arity, "an input is missing") }
      t.append(try input.asTensor())
    }
    _ = try infer(
      Inference(inputs: t.map { Fact($0.dtype, $0.shape.array.map { Dim($0) }) }))
    let y = Tensor(try Storage(t[0].type))
    if y.count == 0 { return [.tensor(y)] }
    let shape = t[0].shape
    let plan = try plan(t[1], t[2], step: shape[3])
    withExtendedLifetime((t, y)) {
      plan.run(
        t[0].storage.bytes.assumingMemoryBound(to: UInt8.self),
        y.storage.bytes.assumingMemoryBound(to: UInt8.self),
        pixels: shape[0] * shape[1] * shape[2], pool: e.pool)
    }
    return [.tensor(y)]
  }
}
