import Graphs
import Kernels
import Tensors

/// A tensor cut along an axis into neighbouring parts.
///
/// - `input`: any dtype of whole bytes, or strings; rank from 1. `split`: int64 `[N]`, the sizes of
///   the parts, an input from opset 13, an attribute before.
/// - `num_outputs` (opset 18): without `split`, parts of equal size, the last one smaller where
///   they do not come out even. Before opset 18 they must come out even.
/// - Errors: `.shape` when the sizes are negative or do not add up, or an even cut is impossible;
///   `.arity` when the number of sizes is not the number of outputs; `.attribute` for `axis`.
/// - Gradient: the upstreams joined, zeros where none flows.
/// - Source: ONNX Split 1, 2, 11, 13 (`split` an input), 18 (`num_outputs`).
public struct Split: Operator {
  public let axis: Int
  /// The sizes where they are an attribute.
  public let sizes: [Int]?
  public let parts: Int?

  public static let schema = Schema(
    "Split", versions: [1, 2, 11, 13, 18],
    inputs: [
      Parameter("input", Expand.types),
      .optional("split", [.int64, OldSizes.types], "", shape: true),
    ],
    outputs: [.variadic("outputs", Expand.types)],
    attributes: [
      AttributeSpec("axis", .int, "the axis to cut; default 0"),
      AttributeSpec("split", .ints, "sizes of the parts; an input from opset 13", before: 13),
      AttributeSpec("num_outputs", .int, "number of equal parts; from opset 18", since: 18),
    ],
    inputCounts: [1: 1...2, 2: 1...1, 13: 1...2],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 5], (1...10).map { Float($0) })
      return [
        .init(Split(axis: 1, parts: 2), [x], outputCount: 2),
        .init(Split(axis: -1), [x, try Tensor([1, 0, 4] as [Int64])], outputCount: 3),
        .init(Split(axis: 0, sizes: [1, 1]), [x], outputCount: 2),
      ]
    })

  public init(axis: Int = 0, sizes: [Int]? = nil, parts: Int? = nil) {
    self.axis = axis
    self.sizes = sizes
    self.parts = parts
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: 0)
    sizes = try a.optionalInts("split")
    parts = try a.optionalInt("num_outputs")
    if let parts, parts != a.outputCount || parts < 1 {
      throw EngineError(
        .attribute, "attribute 'num_outputs' is not the number of outputs",
        expected: "\(a.outputCount)", received: "\(parts)")
    }
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = [.int("axis", axis)]
    if let sizes { list.append(.ints("split", sizes)) }
    if let parts { list.append(.int("num_outputs", parts)) }
    return list
  }

  /// Sizes of `count` parts of `total` elements.
  private func cut(_ total: Int, given: [Int]?, count: Int) throws(EngineError) -> [Int] {
    if let given {
      guard given.count == count else {
        throw EngineError(
          .arity, "the number of sizes is not the number of outputs", expected: "\(count)",
          received: "\(given)")
      }
      var sum = 0
      for n in given {
        let (next, overflow) = sum.addingReportingOverflow(n)
        guard n >= 0, !overflow else {
          throw EngineError(.shape, "the sizes of the parts are not legal", received: "\(given)")
        }
        sum = next
      }
      guard sum == total else {
        throw EngineError(
          .shape, "the sizes of the parts do not add up", expected: "\(total)",
          received: "\(sum) of \(given)")
      }
      return given
    }
    let part = (total + count - 1) / count
    let last = total - part * (count - 1)
    guard last >= 0, parts != nil || last == part else {
      throw EngineError(
        .shape, "the axis does not divide into equal parts", expected: "a multiple of \(count)",
        received: "\(total)")
    }
    return Array(repeating: part, count: count - 1) + [last]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let count = max(parts ?? 0, c.outputCount)
    let dtype = c.dtype(0)
    guard let x = c.dims(0), let at = try c.axis(axis, rank: c.rank(0)) else {
      return (0..<count).map { _ in Fact(dtype, nil) }
    }
    var given = sizes ?? c.ints(1)
    if given == nil, c.dtype(1)?.isFloat == true { given = try OldSizes.read(c.constant(1)) }
    var dims = [[Dim]](repeating: x, count: count)
    if given == nil && c.has(1) && sizes == nil {
      let symbolic = c.elements(1)
      for i in 0..<count {
        dims[i][at] = symbolic.flatMap { $0.count == count ? $0[i] : nil } ?? c.unknown()
      }
    } else if let total = x[at].known {
      for (i, n) in try cut(total, given: given, count: count).enumerated() { dims[i][at] = Dim(n) }
    } else if let given {
      guard given.count == count else {
        throw EngineError(
          .arity, "the number of sizes is not the number of outputs", expected: "\(count)",
          received: "\(given)")
      }
      for i in 0..<count { dims[i][at] = Dim(given[i]) }
    } else {
      let part = x[at].dividedRoundingUp(by: Dim(count))
      for i in 0..<count { dims[i][at] = part }
      dims[count - 1][at] = x[at] - part * Dim(count - 1)
    }
    return carryElements(self, c, dims.map { Fact(dtype, $0) })
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let at = try normalisedAxis(axis, rank: x.shape.rank)
    let given: [Int]? =
      if let sizes { sizes } else if p.has(1), try p.input(1).dtype.isFloat {
        try OldSizes.read(p.constant(1))
      } else { try p.shapeInts(1) }
    let parts = try cut(x.shape[at], given: given, count: p.outputs.count)
    if parts.count == 1 { return .view }
    let inner = x.shape.count(of: at + 1..<x.shape.rank)
    let outer = x.shape.count(of: 0..<at)
    var copies: [StridedCopy?] = []
    var offsets: [Int] = []
    var start = 0
    for (i, n) in parts.enumerated() {
      copies.append(
        !p.wants(i)
          ? nil
          : StridedCopy(
            sizes: [outer, n * inner], sourceStrides: [x.shape[at] * inner, 1],
            targetStrides: [n * inner, 1], elementBytes: x.dtype.byteSize, sourceOffset: start,
            sourceCount: x.count, targetCount: outer * n * inner))
      offsets.append(start * x.dtype.byteSize)
      start += n * inner
    }
    return Prepared(movement: outer == 1 ? .parts(offsets) : .none, label: "cut") { [copies] m in
      for i in copies.indices { copies[i]?.run(to: m.outputs[i], from: m.inputs[0], pool: m.pool) }
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    var parts: [B.Value?] = []
    for i in 0..<g.outputs.count {
      if let upstream = g.upstreams[i] {
        parts.append(upstream)
      } else {
        parts.append(try zeros(b, like: g.outputs[i]))
      }
    }
    g.give(0, try b.apply(Concat(axis: axis), inputs: parts))
  }
}
