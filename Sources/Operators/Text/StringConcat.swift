import Graphs
import Tensors

/// Strings of two tensors joined, element by element.
///
/// - `X`, `Y`: strings, broadcast to one shape.
/// - Errors: `.shape` when shapes do not broadcast.
/// - Source: ONNX StringConcat 20.
public struct StringConcat: Operator {
  public static let schema = Schema(
    "StringConcat", versions: [20],
    inputs: [Parameter("X", .string), Parameter("Y", .string)],
    outputs: [Parameter("Z", .string)],
    cases: {
      let x = try Tensor(shape: [2, 1], strings: ["a", "b"])
      return [.init(StringConcat(), [x, try Tensor(shape: [3], strings: ["x", "", "é"])])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.string, try broadcast(c.dims(0), c.dims(1)))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let (x, y) = (try e.tensor(0), try e.tensor(1))
    let dims = try broadcast(x.shape.array.map { Dim($0) }, y.shape.array.map { Dim($0) }) ?? []
    let shape = try Shape(checking: dims.map { $0.known ?? 0 })
    var strings: [String] = []
    let (left, right) = (places(x.shape, in: shape), places(y.shape, in: shape))
    for (i, j) in zip(left, right) { strings.append(x.strings[i] + y.strings[j]) }
    return [.tensor(try Tensor(shape: shape, strings: strings))]
  }

  /// For each element of `target`, the place of its source in a tensor of shape `source`.
  private func places(_ source: Shape, in target: Shape) -> [Int] {
    let strides = source.strides
    var places = [0]
    for a in 0..<target.rank {
      let own = a - (target.rank - source.rank)
      let step = own < 0 || source[own] == 1 ? 0 : strides[own]
      places = places.flatMap { base in (0..<target[a]).map { base + $0 * step } }
    }
    return places
  }
}
