import Graphs
import Kernels
import Tensors

/// Quantised tensors one after the other along an axis, quantised anew.
///
/// - `Y_scale`: float32, `Y_zero_point`: int8 or uint8, one element each; then for each input the
///   tensor (int8 or uint8), its scale (float32) and its zero point (the tensor's type).
/// - `Y`: the type of `Y_zero_point`. Shapes as Concat takes them.
/// - `axis`: `-rank` to `rank - 1`.
/// - Errors: `.arity` where inputs are not in threes; `.shape`; `.dtype`.
/// - Edges: rounds to nearest, ties to even.
/// - Cost: a table of 256 codes for each input a run.
/// - Source: com.microsoft QLinearConcat 1.
public struct QLinearConcat: Operator {
  public let axis: Int

  public static let schema = Schema(
    "QLinearConcat", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("Y_scale", DTypes(.float32), ""),
      Parameter("Y_zero_point", MatMulInteger.types, ""),
      .variadic("inputs", [MatMulInteger.types, DTypes(.float32)], ""),
    ],
    outputs: [Parameter("Y", MatMulInteger.types, "")],
    attributes: [AttributeSpec("axis", .int, "the axis to join along")],
    cases: {
      let a = try Tensor(shape: [2, 3], [1, 100, 200, 7, 50, 255] as [UInt8])
      let b = try Tensor(shape: [2, 2], [3, 4, 250, 128] as [UInt8])
      let (s, t) = (try Tensor(scalar: 0.03 as Float), try Tensor(scalar: 0.057 as Float))
      let (y, z) = (try Tensor(scalar: 10 as UInt8), try Tensor(scalar: 3 as UInt8))
      let c = try Tensor(shape: [1, 2], [-3, 4] as [Int8])
      let w = try Tensor(scalar: -3 as Int8)
      return [
        .init(QLinearConcat(axis: 1), [t, y, a, s, z, b, t, y]),
        .init(QLinearConcat(axis: -2), [s, w, c, s, w, c, t, w]),
      ]
    })

  public init(axis: Int) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) { axis = try a.int("axis") }
  public var attributes: [Attribute] { [.int("axis", axis)] }

  /// The number of tensors.
  private func parts(_ inputs: Int) throws(EngineError) -> Int {
    guard inputs > 2, (inputs - 2) % 3 == 0 else {
      throw EngineError(
        .arity, "inputs come as tensor, scale and zero point", expected: "2 and a multiple of 3",
        received: "\(inputs) inputs")
    }
    return (inputs - 2) / 3
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let count = try parts(c.inputs.count)
    let tensors = (0..<count).map { i in c.fact(2 + i * 3).map { Fact(nil, $0.dims) } }
    let joined = try Concat(axis: axis).infer(Inference(inputs: tensors))
    return [Fact(c.dtype(1), joined.first?.dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let count = try parts(p.inputs.count)
    let y = try p.output(0)
    let at = try normalisedAxis(axis, rank: y.shape.rank)
    let outer = y.shape.count(of: 0..<at)
    let inner = y.shape.count(of: at + 1..<y.shape.rank)
    let row = y.shape[at] * inner
    let to = try ByteScaleInputs(p, "Y", dtype: y.dtype, scale: 0, zero: 1)
    var scales: [ByteScaleInputs] = []
    var numbers: [Int] = []
    var start = 0
    for i in 0..<count {
      let x = try p.input(2 + i * 3)
      scales.append(
        try ByteScaleInputs(p, "input \(i)", dtype: x.dtype, scale: 3 + i * 3, zero: 4 + i * 3))
      let part = x.shape[at] * inner
      numbers += [part, start, x.dtype == .int8 ? 1 : 0]
      start += part
    }
    let table = Table(numbers)
    let isSigned = y.dtype == .int8
    return Prepared(scratchBytes: 256, label: "concat int8") { [scales] m in
      let target = to.read(m)
      for i in 0..<count {
        QuantizedBytes.tabulate(
          m.scratch, from: scales[i].read(m), xIsSigned: table[i * 3 + 2] == 1, to: target,
          yIsSigned: isSigned
        ) { $0 }
        QuantizedBytes.look(
          m.scratch, rows: outer, table[i * 3], m.inputs[2 + i * 3],
          m.outputs[0] + table[i * 3 + 1], step: row, pool: m.pool)
      }
    }
  }
}
