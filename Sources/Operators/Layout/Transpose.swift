import Graphs
import Kernels
import Tensors

/// The same elements with the axes in another order: axis `i` of the result is axis `perm[i]`.
///
/// - `data`: any dtype, any shape. `perm`: a permutation of the axes; default: reversed.
/// - Errors: `.attribute` when `perm` is no permutation, `.shape` when the rank differs.
/// - Cost: reads and writes every element once, in tiles; free where only axes of size 1 move.
/// - Gradient: the upstream under the inverse permutation.
/// - Source: ONNX Transpose 1, 13, 21, 23, 24, 25.
public struct Transpose: Operator {
  public let perm: [Int]?

  public static let schema = Schema(
    "Transpose", versions: [1, 13, 21, 23, 24, 25],
    inputs: [Parameter("data", .all)], outputs: [Parameter("transposed", .all)],
    attributes: [AttributeSpec("perm", .ints, "the new order of axes; default reversed")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 4], (1...24).map { Float($0) })
      return [
        .init(Transpose(), [x]), .init(Transpose(perm: [0, 2, 1]), [x]),
        .init(Transpose(perm: [1, 0, 2]), [x]),
      ]
    })

  public init(perm: [Int]? = nil) { self.perm = perm }
  public init(reading a: AttributeReader) throws(EngineError) {
    perm = try a.optionalInts("perm")
    if let perm, perm.sorted() != Array(perm.indices) {
      throw EngineError(
        .attribute, "attribute 'perm' is no permutation",
        expected: "each of 0..<\(perm.count) once",
        received: "\(perm)")
    }
  }
  public var attributes: [Attribute] { perm.map { [.ints("perm", $0)] } ?? [] }

  private func order(rank: Int) throws(EngineError) -> [Int] {
    guard let perm else { return Array((0..<rank).reversed()) }
    guard perm.count == rank else {
      throw EngineError(
        .shape, "attribute 'perm' does not fit the input's rank", expected: "\(rank) axes",
        received: "\(perm)")
    }
    return perm
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else {
      return [Fact(c.dtype(0), perm.map { c.unknown(rank: $0.count) })]
    }
    let dims = try order(rank: x.count).map { x[$0] }
    return carryElements(self, c, [Fact(c.dtype(0), dims)])
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let perm = try order(rank: x.shape.rank)
    let moving = perm.filter { x.shape[$0] != 1 }
    if x.count == 0 || moving == moving.sorted() { return .view }
    if x.dtype.bits < 8 { return .dynamic }
    let copy = StridedCopy(
      transposing: x.shape.array, perm, elementBytes: x.dtype.byteSize)
    return Prepared { m in copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool) }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard let perm else {
      g.give(0, try b.apply(Transpose(), g.upstream()))
      return
    }
    var inverse = perm
    for (i, axis) in perm.enumerated() { inverse[axis] = i }
    g.give(0, try b.apply(Transpose(perm: inverse), g.upstream()))
  }
}
