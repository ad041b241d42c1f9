import Graphs
import Kernels
import Tensors

/// A function of 8-bit codes by its table: `y = table[x]`.
///
/// - `x`: uint8 or int8, any shape. `table`: uint8 or int8 `[256]`, the results for the codes in
///   the order of their bits: 0 to 255 for uint8, 0 to 127 and -128 to -1 for int8.
/// - Output: table's type, x's shape.
/// - Errors: `.shape` for a table of another length.
/// - Source: domain ai.dlrun 1; Gather of ONNX.
public struct CodeTable: KernelComposite {
  public static let schema = Schema(
    "CodeTable", domain: Fused.domain, versions: [1],
    inputs: [
      Parameter("x", MatMulInteger.types, "T1"), Parameter("table", MatMulInteger.types, "T2"),
    ],
    outputs: [Parameter("y", MatMulInteger.types, "T2")],
    cases: {
      let table = try Tensor((0..<256).map { UInt8($0 * 37 % 256) })
      let other = try Tensor((0..<256).map { Int8($0 * 91 % 256 - 128) })
      return [
        .init(
          CodeTable(), [try Tensor(shape: [2, 3], [0, 255, 7, 128, 99, 1] as [UInt8]), table]),
        .init(CodeTable(), [try Tensor(shape: [5], [-128, -1, 0, 1, 127] as [Int8]), other]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let dims = c.dims(1), dims.count != 1 || (dims[0].known ?? 256) != 256 {
      throw EngineError(
        .shape, "the table does not hold every code", expected: "[256]", received: "\(dims)")
    }
    return [Fact(c.dtype(1), c.dims(0))]
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let table = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    // Indices below 0 count from the end, which is where the table has the codes below 0.
    let index = try b.apply(Cast(to: .int32), x)
    return Few(try b.apply(Gather(axis: 0), table, index))
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let count = try p.input(0).count
    guard try p.input(1).count == 256 else {
      throw EngineError(
        .shape, "the table does not hold every code", expected: "[256]",
        received: "\(try p.input(1).shape)")
    }
    return Prepared(inPlace: 1, label: "table of codes") { m in
      QuantizedBytes.look(
        m.inputs[1], count: count, m.inputs[0], m.outputs[0], pool: m.pool)
    }
  }
}
