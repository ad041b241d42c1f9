import Graphs
import Kernels
import Tensors

/// Elements of the last axis picked by place.
///
/// - Formula: `Z[a..., j] = X[a..., Y[j]]`.
/// - `X`: float32, float64, int32, int64 or strings, `[..., C]` with a rank from 1. `Y`: int64,
///   any shape of n elements, -C to C - 1, negative ones counted from the back. `Z`: `[..., n]`;
///   `[1, n]` for an X of rank 1.
/// - Errors: `.value` for a place that X lacks, `.shape` for a scalar X.
/// - Source: ai.onnx.ml ArrayFeatureExtractor 1; `[1, n]` as ONNX Runtime gives, negative places as
///   onnx's reference takes them: models of neighbours within a radius have them.
public struct ArrayFeatureExtractor: Operator {
  static let types: DTypes = [Classical.numbers, .string]

  public static let schema = Schema(
    "ArrayFeatureExtractor", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", types), Parameter("Y", .int64, "")],
    outputs: [Parameter("Z", types)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      return [
        .init(ArrayFeatureExtractor(), [x, try Tensor([2, 0, 0, 1] as [Int64])]),
        .init(
          ArrayFeatureExtractor(),
          [
            try Tensor(shape: [3], strings: ["a", "b", "c"]),
            try Tensor(shape: [1, 2], [1, 2] as [Int64]),
          ]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    guard !x.isEmpty else {
      throw EngineError(.shape, "a scalar has no axis to pick from", expected: "a rank from 1")
    }
    let count = c.dims(1).map(\.product) ?? c.unknown()
    return [Fact(c.dtype(0), (x.count == 1 ? [1] : Array(x.dropLast())) + [count])]
  }

  private static func place(_ given: Int, _ size: Int, at i: Int) throws(EngineError) -> Int {
    let place = given < 0 ? given &+ size : given
    guard place >= 0, place < size else {
      throw EngineError(
        .value, "element \(i) of Y is no place in the last axis of X",
        expected: size == 0 ? "none, for it is empty" : "\(-size) to \(size - 1)",
        received: "\(given)")
    }
    return place
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let count = try p.input(1).count
    let size = x.shape[x.shape.rank - 1]
    let rows = x.shape.count(of: 0..<(x.shape.rank - 1))
    let bytes = x.dtype.byteSize
    let isLarge = rows * count * bytes >= 1 << 17
    return Prepared(scratchBytes: count * 8) { (m) throws(EngineError) in
      let offsets = m.scratch.assumingMemoryBound(to: Int64.self)
      let places = m.input(1, Int64.self)
      for i in 0..<count {
        let place = try ArrayFeatureExtractor.place(Int(places[i]), size, at: i)
        offsets[i] = Int64(place * bytes)
      }
      let (from, to) = (m.inputs[0], m.outputs[0])
      let pieces = isLarge ? min(m.pool.threads * 2, rows) : 1
      m.pool.run(pieces) { piece in
        for row in (rows * piece / pieces)..<(rows * (piece + 1) / pieces) {
          Blocks.take(
            to: to + row * count * bytes, from: from + row * size * bytes, offsets: offsets,
            count: count, blockBytes: bytes)
        }
      }
    }
  }

  /// Strings.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let (x, y) = (try e.tensor(0), try e.tensor(1))
    guard
      let type = try infer(Inference(inputs: [Fact(x.type), Fact(y.type)])).first?.tensorType
    else { throw EngineError(.shape, "the sizes of the result are not settled") }
    let size = x.shape[x.shape.rank - 1]
    var places: [Int] = []
    for (i, given) in y.elements(Int64.self).enumerated() {
      places.append(try ArrayFeatureExtractor.place(Int(given), size, at: i))
    }
    let source = x.strings
    var strings: [String] = []
    strings.reserveCapacity(type.count)
    for row in stride(from: 0, to: source.count, by: max(1, size)) {
      for place in places { strings.append(source[row + place]) }
    }
    return [.tensor(try Tensor(shape: type.shape, strings: strings))]
  }
}

extension ArrayFeatureExtractor {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    if g.needs(0) { try scatterBack(b, self, &g) }
  }
}
