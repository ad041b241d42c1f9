import Graphs
import Kernels
import Tensors

/// The input repeated as a whole along each axis.
///
/// - `input`: any dtype of whole bytes, or strings; any shape. `repeats`: int64 `[rank]`, from 0.
/// - Before opset 6 the inputs are `tiles` and `axis`, one number each in the type of `input`: that
///   many copies along that axis.
/// - Output: size `input[i] * repeats[i]` along axis `i`.
/// - Errors: `.shape` when `repeats` has not one entry for each axis, is negative, or the product
///   exceeds what memory can address.
/// - Gradient: the upstream added up at the places it came from.
/// - Source: ONNX Tile 1, 6, 13.
public struct Tile: Operator {
  public static let schema = Schema(
    "Tile", versions: [1, 6, 13],
    inputs: [
      Parameter("input", Expand.types),
      Parameter("repeats", [.int64, OldSizes.types], "T1", shape: true),
      .optional("axis", [.int64, OldSizes.types], "T1", shape: true),
    ],
    outputs: [Parameter("output", Expand.types)],
    inputCounts: [1: 3...3, 6: 2...2],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2], [1, 2, 3, 4] as [Float])
      return [
        .init(Tile(), [x, try Tensor([2, 3] as [Int64])]),
        .init(Tile(), [x, try Tensor([1, 0] as [Int64])]),
        .init(Tile(), [x, try Tensor([2] as [Float]), try Tensor([1] as [Float])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else {
      return [Fact(c.dtype(0), c.dims(1)?.first?.known.map { c.unknown(rank: $0) })]
    }
    let given =
      try c.has(2) ? alongAxis(c.constant(1), c.constant(2), x.count) : c.elements(1)
    guard let repeats = given else { return [Fact(c.dtype(0), c.unknown(rank: x.count))] }
    guard repeats.count == x.count else {
      throw EngineError(
        .shape, "repeats does not fit the input's rank", expected: "\(x.count) numbers",
        received: "\(repeats)")
    }
    for r in repeats {
      if let n = r.known, n < 0 {
        throw EngineError(.shape, "a repeat is negative", received: "\(repeats)")
      }
    }
    var dims: [Dim] = []
    for (n, r) in zip(x, repeats) { dims.append(try settled(n * r, from: n, r)) }
    try checkSizes(dims)
    return carryElements(self, c, [Fact(c.dtype(0), dims)])
  }

  /// The repeats of each axis in opsets 1 to 5: one number of copies along one axis.
  private func alongAxis(
    _ tiles: Tensor?, _ axis: Tensor?, _ rank: Int
  ) throws(EngineError) -> [Dim]? {
    guard let tiles, let axis else { return nil }
    let (copies, at) = (try OldSizes.read(tiles), try OldSizes.read(axis))
    guard copies.count == 1, at.count == 1 else {
      throw EngineError(
        .shape, "tiles and axis are one number each", received: "\(copies) and \(at)")
    }
    var repeats = [Dim](repeating: 1, count: rank)
    repeats[try normalisedAxis(at[0], rank: rank)] = Dim(copies[0])
    return repeats
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    if x.shape == y.shape { return .view }
    let rank = x.shape.rank
    let given =
      try p.has(2)
      ? alongAxis(p.constant(1), p.constant(2), rank)?.compactMap(\.known) : p.shapeInts(1)
    guard let repeats = given else { throw EngineError(.arity, "repeats is missing") }
    let (from, to) = (x.shape.strides, y.shape.strides)
    var sizes: [Int] = []
    var source: [Int] = []
    var target: [Int] = []
    for axis in 0..<rank {
      sizes += [repeats[axis], x.shape[axis]]
      source += [0, from[axis]]
      target += [to[axis] * x.shape[axis], to[axis]]
    }
    let copy = StridedCopy(
      sizes: sizes, sourceStrides: source, targetStrides: target,
      elementBytes: x.dtype.byteSize, sourceCount: x.count, targetCount: y.count)
    return Prepared { m in copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool) }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try scatterBack(b, self, &g)
  }
}
