import Graphs
import Tensors

/// The number of elements of a tensor: int64, a scalar.
///
/// - `data`: any dtype, any shape. Its elements are not read.
/// - Source: ONNX Size 1, 13, 19, 21, 23, 24, 25.
public struct Size: Operator {
  public static let schema = Schema(
    "Size", versions: [1, 13, 19, 21, 23, 24, 25],
    inputs: [Parameter("data", .all)], outputs: [Parameter("size", .int64, "T1")],
    cases: { [.init(Size(), [try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(integers: .int64, [], c.dims(0).map { [$0.reduce(1, *)] })]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let count = Int64(try p.input(0).count)
    return Prepared { m in m.output(0, Int64.self)[0] = count }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    [.tensor(try Tensor(scalar: Int64(e.tensor(0).count)))]
  }
}
