import Graphs
import Tensors

/// Scores with -inf for each token that would repeat an n-gram of its sequence.
///
/// - `input_ids`: int64 `[N, S]`; `scores`: float32 `[N, V]`. Output `scores_out` `[N, V]`.
/// - `ngram_size`: required, 1 or more.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.value` for a token to be
///   blocked that has no score, when running.
/// - Source: ONNX Runtime's NGramRepeatBlock of domain com.microsoft, version 1.
public struct NGramRepeatBlock: Operator {
  public let size: Int

  public static let schema = Schema(
    "NGramRepeatBlock", domain: ContribTransformers.domain, versions: [1],
    inputs: [Parameter("input_ids", .int64, "Tid"), Parameter("scores", DTypes(.float32))],
    outputs: [Parameter("scores_out", DTypes(.float32))],
    attributes: [AttributeSpec("ngram_size", .int, "tokens of an n-gram, 1 or more; required")],
    cases: {
      let ids = try Tensor(shape: [2, 4], [1, 2, 0, 1, 2, 2, 2, 2] as [Int64])
      let scores = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [.init(NGramRepeatBlock(size: 2), [ids, scores])]
    })

  public init(size: Int) { self.size = size }
  public init(reading a: AttributeReader) throws(EngineError) {
    size = try a.int("ngram_size")
    guard size > 0, size <= Int(Int32.max) else {
      throw EngineError(
        .attribute, "attribute 'ngram_size' is out of range", expected: "1 or more",
        received: "\(size)")
    }
  }
  public var attributes: [Attribute] { [.int("ngram_size", size)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkRank(c.dims(0), 2, "input_ids")
    try checkRank(c.dims(1), 2, "scores")
    if let n = c.dims(0)?[0].known, let m = c.dims(1)?[0].known, n != m {
      throw EngineError(
        .shape, "scores do not fit input_ids", expected: "\(n) rows", received: "\(m)")
    }
    return [Fact(c.dtype(1), c.dims(1))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (ids, scores) = (try p.input(0).shape, try p.input(1).shape)
    let (length, vocabulary, rows) = (ids[1], scores[1], scores[0])
    let size = self.size
    return Prepared(inPlace: 2, label: "ngram block") { (m) throws(EngineError) in
      let y = m.output(0, Float.self)
      if UnsafePointer(y) != m.input(1, Float.self) {
        y.update(from: m.input(1, Float.self), count: rows * vocabulary)
      }
      for r in 0..<rows {
        let row = m.input(0, Int64.self) + r * length
        for i in 0..<max(0, length - size + 1) {
          var repeats = true
          for j in 0..<size - 1 where row[i + j] != row[length - size + 1 + j] { repeats = false }
          guard repeats else { continue }
          let token = row[i + size - 1]
          guard token >= 0, token < Int64(vocabulary) else {
            throw EngineError(
              .value, "a token has no score", expected: "0 to \(vocabulary - 1)",
              received: "\(token)")
          }
          y[r * vocabulary + Int(token)] = -.infinity
        }
      }
    }
  }
}
