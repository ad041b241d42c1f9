import Graphs
import Tensors

/// Linear functions of rows of features: `Y[i, j] = X[i] . coefficients[j] + intercepts[j]`, then
/// `post_transform`.
///
/// - `X`: float32, float64, int32 or int64, `[N, F]` or `[F]`, which is one row; taken in float32.
///   `Y`: float32 `[N, targets]`.
/// - `coefficients`: `targets` times F. `intercepts`: one a target; default 0. `targets`: default 1.
///   `post_transform`: see `ScoreTransform`; of a single target only PROBIT changes anything.
/// - Errors: `.attribute` when coefficients do not divide by `targets` or intercepts differ in
///   number, `.shape` when F is not that of the coefficients.
/// - Accuracy: float32 sums in the order of the features, whatever the number of threads.
/// - Source: ai.onnx.ml LinearRegressor 1; ONNX Runtime 1.32 for `post_transform`.
public struct LinearRegressor: FormulaGradient {
  public let coefficients: [Float]
  public let intercepts: [Float]
  public let targets: Int
  public let transform: ScoreTransform

  public static let schema = Schema(
    "LinearRegressor", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", Classical.numbers)],
    outputs: [Parameter("Y", DTypes(.float32), "")],
    attributes: [
      AttributeSpec("coefficients", .floats, "one row of features for each target"),
      AttributeSpec("intercepts", .floats, "one for each target; default 0"),
      ScoreTransform.spec, AttributeSpec("targets", .int, "from 1; default 1"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 2], [1, -2, 3, 0.5, -1, 4] as [Float])
      return [
        .init(try LinearRegressor([0.5, -1]), [x]),
        .init(
          try LinearRegressor(
            [0.5, -1, 2, 0.25], intercepts: [1, -1], targets: 2, transform: .softmax), [x]),
        .init(try LinearRegressor([0.5, -1], intercepts: [3]), [try Tensor([2, 1] as [Float])]),
      ]
    })

  public init(
    _ coefficients: [Float], intercepts: [Float] = [], targets: Int = 1,
    transform: ScoreTransform = .none
  ) throws(EngineError) {
    self.coefficients = coefficients
    self.intercepts = intercepts
    self.targets = targets
    self.transform = transform
    guard targets >= 1, coefficients.count % targets == 0 else {
      throw EngineError(
        .attribute, "the coefficients do not divide among the targets",
        expected: "a multiple of \(targets)", received: "\(coefficients.count)")
    }
    guard intercepts.isEmpty || intercepts.count == targets else {
      throw EngineError(
        .attribute, "intercepts differ in number from targets", expected: "\(targets)",
        received: "\(intercepts.count)")
    }
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(
      a.floats("coefficients", default: []), intercepts: a.floats("intercepts", default: []),
      targets: a.int("targets", default: 1), transform: ScoreTransform(reading: a))
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = [
      .floats("coefficients", coefficients), .int("targets", targets), transform.attribute,
    ]
    if !intercepts.isEmpty { list.append(.floats("intercepts", intercepts)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let sizes = try FeatureRows.sizes(c.dims(0), features: coefficients.count / targets)
    return [Fact(.float32, [sizes?.rows ?? c.unknown(), Dim(targets)])]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    outputs[0].map { $0.product * Dim(coefficients.count / targets) }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let sizes = try FeatureRows(x, floatsPerRow: targets, threads: 1)
    let scores = try LinearScores(
      weights: coefficients, outputs: targets, bias: intercepts, rows: sizes)
    let rows = try FeatureRows(x, floatsPerRow: targets, threads: p.options.threads) { _ in
      scores.scratchBytes
    }
    let (targets, transform) = (targets, transform)
    return Prepared(scratchBytes: rows.scratchBytes, label: "linear") { m in
      let y = m.output(0, Float.self)
      rows.run(m.inputs[0], scratch: m.scratch, pool: m.pool) { range, x, scratch in
        let out = y + range.lowerBound * targets
        scores.run(rows: range.count, x, into: out, scratch: scratch)
        transform.apply(out, rows: range.count, width: targets)
      }
    }
  }
}

extension LinearRegressor {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "the input is missing") }
    let scores = try linearScores(
      b, x, coefficients, rows: targets, intercepts: intercepts)
    return Few(try transform.expand(b, scores, width: targets))
  }
}
