import Graphs
import Tensors

/// A matrix of ones on a diagonal and zeros elsewhere, of the input's shape.
///
/// - `input`: any real numeric dtype or bool, `[N, M]`; only its type is used.
/// - `k`: the diagonal, above the main one when positive; default 0. `dtype`: default the input's.
/// - Errors: `.shape` when the rank is not 2, `.attribute` for `dtype`.
/// - Source: ONNX EyeLike 9, 22.
public struct EyeLike: Operator {
  public let k: Int
  public let dtype: DType?

  static let types: DTypes = [.numeric, .bool]

  public static let schema = Schema(
    "EyeLike", versions: [9, 22],
    inputs: [Parameter("input", types, "T1")], outputs: [Parameter("output", types, "T2")],
    attributes: [
      AttributeSpec("k", .int, "the diagonal; default 0"),
      AttributeSpec("dtype", .int, "element type; default the input's"),
    ],
    cases: {
      let x = try Tensor(shape: [3, 4], (1...12).map { Float($0) })
      return [.init(EyeLike(), [x]), .init(EyeLike(k: -1, dtype: .float64), [x])]
    })

  public init(k: Int = 0, dtype: DType? = nil) {
    self.k = k
    self.dtype = dtype
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    k = try a.int("k", default: 0)
    dtype = a.has("dtype") ? try a.dtype("dtype", default: .float32) : nil
    if let dtype, !EyeLike.types.contains(dtype) {
      throw EngineError(
        .attribute, "attribute 'dtype' has no legal value",
        expected: EyeLike.types.list.map { "\($0)" }.joined(separator: ", "), received: "\(dtype)")
    }
  }
  public var attributes: [Attribute] {
    [.int("k", k)] + (dtype.map { [.dtype("dtype", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count != 2 {
      throw EngineError(.shape, "the input is no matrix", expected: "rank 2", received: "\(x)")
    }
    return [Fact(dtype ?? c.dtype(0), c.dims(0) ?? c.unknown(rank: 2))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    let (rows, columns) = (y.shape[0], y.shape[1])
    let size = y.dtype.byteSize
    let one = try element(1, y.dtype)
    let first = k > 0 ? 0 : k < -rows ? rows : -k
    return Prepared { m in
      m.outputs[0].initializeMemory(as: UInt8.self, repeating: 0, count: rows * columns * size)
      if k >= columns { return }
      for i in first..<rows where i + k < columns {
        (m.outputs[0] + (i * columns + i + k) * size)
          .copyMemory(from: one.storage.bytes, byteCount: size)
      }
    }
  }
}
