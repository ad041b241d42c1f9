import Graphs
import Tensors

/// The sizes of a tensor's axes, or of some neighbouring axes: int64 `[end - start]`.
///
/// - `data`: any dtype, any shape. Its elements are not read.
/// - `start`, `end`: the range of axes; negative ones count from the last, and both are clamped to
///   the rank. Default: all axes. A range that ends before it starts is empty.
/// - Named `ShapeOp` because `Shape` is the sizes themselves.
/// - Source: ONNX Shape 1, 13, 15 (`start`, `end`), 19, 21, 23, 24, 25.
public struct ShapeOp: Operator {
  public let start: Int
  public let end: Int?

  public static let schema = Schema(
    "Shape", versions: [1, 13, 15, 19, 21, 23, 24, 25],
    inputs: [Parameter("data", .all)], outputs: [Parameter("shape", .int64, "T1")],
    attributes: [
      AttributeSpec("start", .int, "first axis; default 0", since: 15),
      AttributeSpec("end", .int, "axis after the last; default the rank", since: 15),
    ],
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      return [.init(ShapeOp(), [x]), .init(ShapeOp(start: -1), [x])]
    })

  public init(start: Int = 0, end: Int? = nil) {
    self.start = start
    self.end = end
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    start = try a.int("start", default: 0)
    end = try a.optionalInt("end")
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if start != 0 { list.append(.int("start", start)) }
    if let end { list.append(.int("end", end)) }
    return list
  }

  private func axes(rank: Int) -> Range<Int> {
    func clamped(_ axis: Int) -> Int { min(max(axis < 0 ? axis + rank : axis, 0), rank) }
    let first = clamped(start)
    return first..<max(first, clamped(end ?? rank))
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(.int64, [c.unknown()])] }
    let sizes = Array(x[axes(rank: x.count)])
    return [Fact(integers: .int64, [Dim(sizes.count)], sizes)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let shape = try p.input(0).shape
    let sizes = axes(rank: shape.rank).map { Int64(shape[$0]) }
    return Prepared { m in
      let y = m.output(0, Int64.self)
      for i in sizes.indices { y[i] = sizes[i] }
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let shape = try e.tensor(0).shape
    return [.tensor(try Tensor(axes(rank: shape.rank).map { Int64(shape[$0]) }))]
  }
}
