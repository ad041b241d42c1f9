import Graphs
import Kernels
import Tensors

/// A function of bytes, by its table: `Y[i] = T[X[i]]`.
///
/// - `X`: uint8, any shape. `T`: uint8 `[256]`.
/// - Output: uint8, X's shape.
/// - Errors: `.shape` for another T.
/// - Source: domain ai.dlrun 1; ONNX Gather.
public struct ByteTable: Operator {
  public static let schema = Schema(
    "ByteTable", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", ByteLayout.types), Parameter("T", ByteLayout.types)],
    outputs: [Parameter("Y", ByteLayout.types)],
    cases: {
      let table = try Tensor((0..<256).map { UInt8($0 * 91 % 256) })
      return [.init(ByteTable(), [try ByteLayout.example(), table])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let t = c.dims(1), t.count != 1 || (t[0].known ?? 256) != 256 {
      throw EngineError(
        .shape, "input T is no table of bytes", expected: "[256]", received: "\(t)")
    }
    return [Fact(.uint8, c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let n = try p.input(0).count
    return Prepared(inPlace: 1, label: "byte table") { m in
      ByteLookup.run(m.input(1), m.input(0), m.output(0), n, pool: m.pool)
    }
  }
}
