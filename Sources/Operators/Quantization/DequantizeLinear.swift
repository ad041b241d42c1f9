import Graphs
import Kernels
import Tensors

/// The numbers that quantised ones stand for: `y = (x - x_zero_point) * x_scale`.
///
/// - `x`: integers of 2 to 16 bits, int32, 8-, 6- and 4-bit floats, any shape. `x_scale`: float16,
///   bfloat16, float32, float8e8m0; one for all, `[n]` along `axis`, or x's shape with blocks along
///   `axis`. `x_zero_point` (optional): x's type, the shape of the scales.
/// - Result: `output_dtype`, or the type of the scales: float16, bfloat16 or float32.
/// - `axis`: default 1. `block_size`: default 0, no blocks.
/// - Errors: `.shape` for scales that do not fit; `.attribute` where scales of float8e8m0 come
///   without an `output_dtype`.
/// - Accuracy: computed in float32, rounded once.
/// - Source: ONNX DequantizeLinear 10, 13, 19, 21, 23, 24, 25, 28.
public struct DequantizeLinear: Operator {
  public let scales: QuantScales
  public let output: DType?

  static let results = DTypes(.float16, .bfloat16, .float32)
  static let sources: DTypes = [QuantizeLinear.targets, DTypes(.int32)]

  public static let schema = Schema(
    "DequantizeLinear", versions: [10, 13, 19, 21, 23, 24, 25, 28],
    inputs: [
      Parameter("x", sources, "T1"),
      Parameter("x_scale", [results, DTypes(.float8e8m0)], "T2"),
      .optional("x_zero_point", sources, "T1"),
    ],
    outputs: [Parameter("y", results, "T3")],
    attributes: QuantScales.specs + [
      AttributeSpec(
        "output_dtype", .int, "the result's type number; default 0: the scales'", since: 23)
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 6], (0..<12).map { UInt8($0 * 7 % 12) })
      let scales = try Tensor([1, 2, 4] as [Float])
      let zeros = try Tensor([1, 2, 3] as [UInt8])
      let blocks = try Tensor(shape: [2, 2], [1, 2, 4, 8] as [Float])
      return [
        .init(DequantizeLinear(), [x, try Tensor(scalar: 2 as Float), nil]),
        .init(
          DequantizeLinear(), [x, try Tensor(scalar: 2 as Float), try Tensor(scalar: 3 as UInt8)]),
        .init(
          DequantizeLinear(scales: .init(axis: 0)), [try x.reshaped([3, 4]), scales, zeros]),
        .init(
          DequantizeLinear(scales: .init(axis: -1, block: 4), output: .float16), [x, blocks, nil]),
      ]
    })

  public init(scales: QuantScales = .init(), output: DType? = nil) {
    self.scales = scales
    self.output = output
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    scales = try QuantScales(reading: a)
    output = try QuantScales.dtype(a, "output_dtype")
    if let output, !Self.results.contains(output) {
      throw EngineError(
        .attribute, "attribute 'output_dtype' is not what is dequantised to",
        expected: "float16, bfloat16 or float32", received: "\(output)")
    }
  }
  public var attributes: [Attribute] {
    scales.attributes + (output.map { [.dtype("output_dtype", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if output == nil, let scale = c.dtype(1), !Self.results.contains(scale) {
      throw EngineError(
        .attribute, "attribute 'output_dtype' is missing", expected: "one, for scales of \(scale)",
        received: "none")
    }
    try checkSameDType(c.dtype(0), c.dtype(2))
    return [Fact(output ?? c.dtype(1), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, scale, y) = (try p.input(0), try p.input(1), try p.output(0))
    let zero: TensorType? = p.has(2) ? try p.input(2) : nil
    let rows = try scales.rows(x.shape, scale: scale.shape, zero: zero?.shape)
    guard
      let kernel = DequantizeKernel(from: x.dtype, scale: scale.dtype, to: y.dtype, rows: rows)
    else { throw p.noKernel() }
    let hasZero = zero != nil
    return Prepared(scratchBytes: kernel.scratchBytes, label: "dequantize \(x.dtype)") { m in
      kernel.run(
        m.inputs[0], scale: m.inputs[1], zero: hasZero ? UnsafeRawPointer(m.inputs[2]) : nil,
        m.outputs[0], scratch: m.scratch, pool: m.pool)
    }
  }
}

extension DequantizeLinear {
  /// By the scales: the upstream times what they multiply, summed over all that one of them is for.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard g.needs(1) else { return }
    let (x, scale) = (try g.input(0), try g.input(1))
    let one = try plus(b, zeros(b, like: scale), 1)
    let zero = g.has(2) ? try g.input(2) : nil as B.Value?
    let numbers = try b.apply(self, inputs: [x, one, zero])
    let product = try times(b, g.upstream(), numbers)
    let (rank, own) = (try knownRank(b, x), try knownRank(b, scale))
    let count = b.fact(of: scale).dims?.product.known
    var result: B.Value
    if own == 0 || count == 1 {
      result = try sum(b, product, Array(0..<rank), keepDims: false)
    } else {
      let axis = try normalisedAxis(scales.axis, rank: rank)
      if own == 1 && scales.block == 0 {
        result = try sum(b, product, (0..<rank).filter { $0 != axis }, keepDims: false)
      } else {
        guard let blocks = b.fact(of: scale).dims?[axis].known else {
          throw EngineError(.notDifferentiable, "the number of blocks is not known")
        }
        let whole = try fitted(b, product, axis: axis, blocks * scales.block)
        let shape =
          [Int](repeating: 0, count: axis) + [blocks, scales.block]
          + (axis + 1 < rank ? [-1] : [])
        result = try sum(b, reshape(b, whole, shape), [axis + 1], keepDims: false)
      }
    }
    g.give(1, try cast(b, reshape(b, result, like: scale), like: scale))
  }
}
