import Graphs
import Kernels
import Tensors

/// Elements of one or the other quantised tensor, quantised anew: `Z = saturate(round(v / z_scale)
/// + z_zero)` with `v = condition ? (X - x_zero) x_scale : (Y - y_zero) y_scale`.
///
/// - `condition`: bool; `X`, `Y`: int8 or uint8; shapes that broadcast. Scales: float32, one
///   element; zero points: X's type, one element. `Z`: X's type.
/// - Errors: `.shape` for shapes that do not broadcast and for more than one scale; `.dtype`.
/// - Edges: rounds to nearest, ties to even.
/// - Cost: two tables of 256 codes a run.
/// - Source: com.microsoft QLinearWhere 1.
public struct QLinearWhere: Operator {
  public static let schema = Schema(
    "QLinearWhere", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("condition", .bool, "B"), Parameter("X", MatMulInteger.types),
      Parameter("x_scale", DTypes(.float32), "TF"), Parameter("x_zero_point", MatMulInteger.types),
      Parameter("Y", MatMulInteger.types), Parameter("y_scale", DTypes(.float32), "TF"),
      Parameter("y_zero_point", MatMulInteger.types), Parameter("z_scale", DTypes(.float32), "TF"),
      Parameter("z_zero_point", MatMulInteger.types),
    ],
    outputs: [Parameter("Z", MatMulInteger.types)],
    cases: {
      let c = try Tensor(shape: [2, 1], [true, false])
      let x = try Tensor(shape: [2, 3], [1, 100, 200, 7, 50, 255] as [UInt8])
      let y = try Tensor([3, 4, 250] as [UInt8])
      let (s, t) = (try Tensor(scalar: 0.03 as Float), try Tensor(scalar: 0.057 as Float))
      let (a, b) = (try Tensor(scalar: 10 as UInt8), try Tensor(scalar: 3 as UInt8))
      return [.init(QLinearWhere(), [c, x, s, a, y, t, b, t, a])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(1), c.dtype(4))
    let values = try broadcast(c.dims(1), c.dims(4))
    return [Fact(c.dtype(1) ?? c.dtype(4), try broadcast(c.dims(0), values))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (c, x, y, z) = (try p.input(0), try p.input(1), try p.input(4), try p.output(0))
    let xScale = try ByteScaleInputs(p, "X", dtype: x.dtype, scale: 2, zero: 3)
    let yScale = try ByteScaleInputs(p, "Y", dtype: x.dtype, scale: 5, zero: 6)
    let zScale = try ByteScaleInputs(p, "Z", dtype: x.dtype, scale: 7, zero: 8)
    let plan = try BroadcastPlan(output: z.shape, inputs: Few(c.shape, x.shape, y.shape))
    guard let kernel = WhereKernel(.uint8) else { throw p.noKernel() }
    let isSigned = x.dtype == .int8
    let (xCount, yCount) = (x.count, y.count)
    let place = 256 + (xCount + 63) / 64 * 64
    return Prepared(scratchBytes: place + yCount, label: "where int8") { m in
      let to = zScale.read(m)
      QuantizedBytes.tabulate(
        m.scratch, from: xScale.read(m), xIsSigned: isSigned, to: to, yIsSigned: isSigned
      ) { $0 }
      QuantizedBytes.look(
        m.scratch, count: xCount, m.inputs[1], m.scratch + 256, pool: m.pool)
      QuantizedBytes.tabulate(
        m.scratch, from: yScale.read(m), xIsSigned: isSigned, to: to, yIsSigned: isSigned
      ) { $0 }
      QuantizedBytes.look(
        m.scratch, count: yCount, m.inputs[4], m.scratch + place, pool: m.pool)
      kernel.run(
        plan, m.inputs[0], m.scratch + 256, m.scratch + place, m.outputs[0], m.pool)
    }
  }
}
