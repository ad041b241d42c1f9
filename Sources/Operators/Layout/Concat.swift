import Graphs
import Kernels
import Tensors

/// Tensors put one behind another along an axis.
///
/// - `inputs`: at least one, all of one dtype (whole bytes, or strings), one rank from 1, and equal
///   sizes but at `axis`.
/// - `axis`: -rank to rank - 1.
/// - Errors: `.shape` when ranks or sizes differ, `.attribute` when `axis` is out of range,
///   `.dtype` when dtypes differ.
/// - Gradient: the slices of the upstream.
/// - Source: ONNX Concat 1, 4, 11, 13.
public struct Concat: Operator {
  public let axis: Int

  public static let schema = Schema(
    "Concat", versions: [1, 4, 11, 13], inputs: [.variadic("inputs", Expand.types)],
    outputs: [Parameter("concat_result", Expand.types)],
    attributes: [AttributeSpec("axis", .int, "the axis to join along; required from opset 4")],
    inputCounts: [1: 1...Int.max],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], (1...6).map { Float($0) })
      let y = try Tensor(shape: [2, 1], [7, 8] as [Float])
      return [
        .init(Concat(axis: 1), [x, y, x]), .init(Concat(axis: -2), [x, x]),
        .init(Concat(axis: 0), [x]),
      ]
    })

  public init(axis: Int) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = a.opset < 4 ? try a.int("axis", default: 1) : try a.int("axis")
  }
  public var attributes: [Attribute] { [.int("axis", axis)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let count = c.inputs.count
    guard count > 0 else { throw EngineError(.arity, "nothing to join") }
    var dtype: DType?
    var dims: [Dim]?
    var isKnown = true
    for i in 0..<count {
      guard c.has(i) else { throw EngineError(.arity, "input \(i) is missing") }
      if let d = c.dtype(i) {
        if let other = dtype, other != d {
          throw EngineError(
            .dtype, "input \(i) has another element type", expected: "\(other)", received: "\(d)")
        }
        dtype = d
      }
      guard let x = c.dims(i) else {
        isKnown = false
        continue
      }
      guard let so = dims else {
        dims = x
        _ = try normalisedAxis(axis, rank: x.count)
        continue
      }
      guard so.count == x.count else {
        throw EngineError(
          .shape, "input \(i) has another rank", expected: "\(so.count) as in \(so)",
          received: "\(x.count) of \(x)")
      }
      let at = try normalisedAxis(axis, rank: x.count)
      var merged = so
      for a in x.indices {
        if a == at {
          merged[a] = so[a] + x[a]
        } else if let n = x[a].known {
          if let m = so[a].known, n != m {
            throw EngineError(
              .shape, "input \(i) has another size at axis \(a)", expected: "\(m)",
              received: "\(n) of \(x)")
          }
          merged[a] = x[a]
        }
      }
      dims = merged
    }
    if !isKnown, let rank = dims?.count {
      // Some input may add anything along the axis.
      dims?[try normalisedAxis(axis, rank: rank)] = c.unknown()
    }
    return carryElements(self, c, data: Array(0..<count), [Fact(dtype, dims)])
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    let at = try normalisedAxis(axis, rank: y.shape.rank)
    if p.inputs.count == 1 { return .view }
    let inner = y.shape.count(of: at + 1..<y.shape.rank)
    let row = y.shape[at] * inner
    let outer = y.shape.count(of: 0..<at)
    var copies: [StridedCopy] = []
    var offsets: [Int] = []
    var start = 0
    for i in p.inputs.indices {
      let part = try p.input(i).shape[at] * inner
      copies.append(
        StridedCopy(
          sizes: [outer, part], sourceStrides: [part, 1], targetStrides: [row, 1],
          elementBytes: y.dtype.byteSize, targetOffset: start, sourceCount: outer * part,
          targetCount: y.count))
      offsets.append(start * y.dtype.byteSize)
      start += part
    }
    return Prepared(movement: outer == 1 ? .whole(offsets) : .none, label: "join") { [copies] m in
      for i in copies.indices { copies[i].run(to: m.outputs[0], from: m.inputs[i], pool: m.pool) }
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e, data: Array(0..<e.inputs.count))
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let count = g.inputs.count
    var known: [Int64] = []
    for i in 0..<count {
      guard let x = try b.fact(of: g.input(i)).dims,
        let n = x[try normalisedAxis(axis, rank: x.count)].known
      else { break }
      known.append(Int64(n))
    }
    let parts: B.Value
    if known.count == count {
      parts = try b.constant(Tensor(known))
    } else {
      var list: [B.Value] = []
      for i in 0..<count {
        let x = try g.input(i)
        list.append(try size(b, x, normalisedAxis(axis, rank: knownRank(b, x))))
      }
      parts = try b.apply(Concat(axis: 0), inputs: list)
    }
    let made = try b.apply(Split(axis: axis), inputs: [try g.upstream(), parts], outputs: count)
    for i in 0..<count where g.needs(i) { g.give(i, made[i]) }
  }
}
