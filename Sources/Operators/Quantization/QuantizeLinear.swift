import Graphs
import Kernels
import Tensors

/// Quantised numbers: `y = saturate(round(x / y_scale) + y_zero_point)`, ties to even.
///
/// - `x`: float16, bfloat16, float32, int32, any shape. `y_scale`: the same types or float8e8m0;
///   one for all, `[n]` along `axis`, or x's shape with blocks along `axis`. `y_zero_point`
///   (optional): of the result's type, the shape of the scales.
/// - Result: `output_dtype`, or the type of the zero point, or uint8: integers of 2 to 16 bits,
///   8-bit floats, 6- and 4-bit floats.
/// - `axis`: default 1. `block_size`: default 0, no blocks. `saturate`: default 1; otherwise 8-bit
///   floats overflow to infinity or NaN. `precision`: the type that the quotient is rounded to;
///   default the scale's (float32 for float8e8m0).
/// - Errors: `.shape` for scales that do not fit, `.attribute` for types that contradict.
/// - Edges: NaN becomes the least integer; int32 precision divides in float64.
/// - Source: ONNX QuantizeLinear 10, 13, 19, 21, 23, 24, 25, 28.
public struct QuantizeLinear: Operator {
  public let scales: QuantScales
  public let saturates: Bool
  public let output: DType?
  public let precision: DType?

  static let sources = DTypes(.float16, .bfloat16, .float32, .int32)
  static let targets = DTypes(
    .int8, .uint8, .int16, .uint16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz,
    .uint4, .int4, .float4e2m1, .uint2, .int2, .float6e2m3, .float6e3m2)

  public static let schema = Schema(
    "QuantizeLinear", versions: [10, 13, 19, 21, 23, 24, 25, 28],
    inputs: [
      Parameter("x", sources, "T1"),
      Parameter("y_scale", [sources, DTypes(.float8e8m0)], "T2"),
      .optional("y_zero_point", targets, "T3"),
    ],
    outputs: [Parameter("y", targets, "T3")],
    attributes: QuantScales.specs + [
      AttributeSpec(
        "saturate", .int, "1 (default): 8-bit floats stop at their largest number", since: 19),
      AttributeSpec(
        "output_dtype", .int, "the result's type number; default 0: the zero point's", since: 21),
      AttributeSpec(
        "precision", .int, "the quotient's type number; default 0: the scale's", since: 23),
    ],
    cases: {
      let x = try Tensor(shape: [2, 6], (0..<12).map { Float(($0 * 7) % 12) * 1.3 - 6 })
      let scales = try Tensor([1, 2, 4] as [Float])
      let zeros = try Tensor([1, 2, 3] as [UInt8])
      let blocks = try Tensor(shape: [2, 2], [1, 2, 4, 8] as [Float])
      return [
        .init(QuantizeLinear(), [x, try Tensor(scalar: 2 as Float), nil]),
        .init(
          QuantizeLinear(), [x, try Tensor(scalar: 2 as Float), try Tensor(scalar: 3 as Int8)]),
        .init(
          QuantizeLinear(scales: .init(axis: 0)),
          [try x.reshaped([3, 4]), scales, zeros]),
        .init(
          QuantizeLinear(scales: .init(axis: -1, block: 4), output: .int4), [x, blocks, nil]),
        .init(
          QuantizeLinear(output: .float8e5m2, precision: .float16),
          [x, try Tensor([0.5] as [Float]), nil]
        ),
      ]
    })

  public init(
    scales: QuantScales = .init(), saturates: Bool = true, output: DType? = nil,
    precision: DType? = nil
  ) {
    self.scales = scales
    self.saturates = saturates
    self.output = output
    self.precision = precision
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    scales = try QuantScales(reading: a)
    saturates = try a.bool("saturate", default: true)
    output = try QuantScales.dtype(a, "output_dtype")
    precision = try QuantScales.dtype(a, "precision")
    if let output, !Self.targets.contains(output) {
      throw EngineError(
        .attribute, "attribute 'output_dtype' is no type that tensors are quantised to",
        received: "\(output)")
    }
    if let precision, !Self.sources.contains(precision) {
      throw EngineError(
        .attribute, "attribute 'precision' is no type that quotients have",
        received: "\(precision)")
    }
  }
  public var attributes: [Attribute] {
    var list = scales.attributes
    if !saturates { list.append(.bool("saturate", false)) }
    if let output { list.append(.dtype("output_dtype", output)) }
    if let precision { list.append(.dtype("precision", precision)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let output, let zero = c.dtype(2), zero != output {
      throw EngineError(
        .attribute, "attribute 'output_dtype' contradicts the zero point", expected: "\(zero)",
        received: "\(output)")
    }
    return [Fact(output ?? (c.has(2) ? c.dtype(2) : .uint8), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, scale, y) = (try p.input(0), try p.input(1), try p.output(0))
    let zero: TensorType? = p.has(2) ? try p.input(2) : nil
    let rows = try scales.rows(x.shape, scale: scale.shape, zero: zero?.shape)
    let kind: QuantizeKernel.Precision =
      switch precision ?? scale.dtype {
      case .float16: .half
      case .bfloat16: .brain
      case .int32: .double
      default: .single
      }
    let kernel = QuantizeKernel(
      from: x.dtype, scale: scale.dtype, to: y.dtype, precision: kind, saturates: saturates,
      rows: rows)
    guard let kernel, zero == nil || zero?.dtype == y.dtype else { throw p.noKernel() }
    let hasZero = zero != nil
    return Prepared(scratchBytes: kernel.scratchBytes, label: "quantize \(y.dtype)") { m in
      kernel.run(
        m.inputs[0], scale: m.inputs[1], zero: hasZero ? UnsafeRawPointer(m.inputs[2]) : nil,
        m.outputs[0], scratch: m.scratch, pool: m.pool)
    }
  }
}
