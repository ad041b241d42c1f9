import Graphs
import Kernels
import Tensors

/// The class of each row by linear scores, and the scores.
///
/// - Formula: `s[i, j] = X[i] . coefficients[j] + intercepts[j]`; `Y[i]` is the label of the
///   greatest score, of the first of equal ones; `Z = post_transform(s)`. With a single row of
///   coefficients and two labels the second class wins where `s > 0`, and Z has two columns: see
///   `ScoreTransform`.
/// - `X`: float32, float64, int32 or int64, `[N, F]` or `[F]`, which is one row; taken in float32.
///   `Y`: int64 or strings `[N]`. `Z`: float32 `[N, number of labels]`.
/// - `coefficients`: a row of F for each score. `intercepts`: one a score; default 0.
///   `classlabels_ints` or `classlabels_strings`. `multi_class`: says how the model was trained and
///   changes nothing.
/// - Errors: `.attribute` when labels, coefficients and intercepts do not fit each other, `.shape`
///   when F is not that of the coefficients.
/// - Edges: a NaN score never wins over one before it.
/// - Source: ai.onnx.ml LinearClassifier 1; ONNX Runtime 1.32 for `post_transform` and two classes.
public struct LinearClassifier: FormulaGradient {
  public let coefficients: [Float]
  public let intercepts: [Float]
  public let labels: ClassLabels
  public let transform: ScoreTransform
  public let multiClass: Int

  public static let schema = Schema(
    "LinearClassifier", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", Classical.numbers, "T1")],
    outputs: [Parameter("Y", [.string, .int64], "T2"), Parameter("Z", DTypes(.float32), "")],
    attributes: [
      AttributeSpec("classlabels_ints", .ints, "the labels, or"),
      AttributeSpec("classlabels_strings", .strings, "the labels"),
      AttributeSpec("coefficients", .floats, "a row of features for each score; required"),
      AttributeSpec("intercepts", .floats, "one for each score; default 0"),
      AttributeSpec("multi_class", .int, "not used"), ScoreTransform.spec,
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 2], [1, -2, 3, 0.5, -1, 4] as [Float])
      let weights: [Float] = [0.5, -1, 2, 0.25, -0.75, 1.5]
      return [
        .init(
          try LinearClassifier(
            weights, intercepts: [0.1, 0.2, -0.3], labels: .ints([4, -2, 7]),
            transform: .softmax), [x], outputCount: 2),
        .init(
          try LinearClassifier([0.5, -1], labels: .strings(["no", "yes"]), transform: .logistic),
          [x], outputCount: 2),
      ]
    })

  public init(
    _ coefficients: [Float], intercepts: [Float] = [], labels: ClassLabels,
    transform: ScoreTransform = .none, multiClass: Int = 0
  ) throws(EngineError) {
    self.coefficients = coefficients
    self.intercepts = intercepts
    self.labels = labels
    self.transform = transform
    self.multiClass = multiClass
    let count = intercepts.count
    guard count == 0 || count == labels.count || (count == 1 && labels.count == 2) else {
      throw EngineError(
        .attribute, "intercepts and labels differ in number",
        expected: "\(labels.count), or 1 for two classes", received: "\(count)")
    }
    let divisor = count == 0 && labels.count != 2 ? labels.count : max(1, count)
    guard !coefficients.isEmpty, coefficients.count % divisor == 0 else {
      throw EngineError(
        .attribute, "the coefficients do not divide among the scores",
        expected: "a multiple of \(divisor)", received: "\(coefficients.count)")
    }
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(
      a.floats("coefficients", default: []), intercepts: a.floats("intercepts", default: []),
      labels: ClassLabels(
        reading: a, ints: "classlabels_ints", strings: "classlabels_strings"),
      transform: ScoreTransform(reading: a), multiClass: a.int("multi_class", default: 0))
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = [
      .floats("coefficients", coefficients),
      labels.attribute(ints: "classlabels_ints", strings: "classlabels_strings"),
      .int("multi_class", multiClass), transform.attribute,
    ]
    if !intercepts.isEmpty { list.append(.floats("intercepts", intercepts)) }
    return list
  }

  /// Rows of coefficients, for rows of so many features.
  private func scores(features: Int) throws(EngineError) -> Int {
    if !intercepts.isEmpty { return intercepts.count }
    let count = features > 0 ? coefficients.count / features : 0
    guard count == labels.count || (count == 1 && labels.count == 2) else {
      throw EngineError(
        .shape, "rows have another number of features than the model",
        expected: "\(coefficients.count / labels.count)", received: "\(features)")
    }
    return count
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let known = intercepts.isEmpty ? nil : coefficients.count / intercepts.count
    let rows = try FeatureRows.sizes(c.dims(0), features: known)?.rows ?? c.unknown()
    return [Fact(labels.dtype, [rows]), Fact(.float32, [rows, Dim(labels.count)])]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let dims = inputs[0], let features = dims.last else { return nil }
    return (dims.count == 1 ? 1 : dims[0]) * (intercepts.count == 1 ? 1 : Dim(labels.count))
      * features
  }

  /// What a run needs, settled: with `labelled` classes are written as their labels, else as their
  /// numbers.
  private struct Plan: Sendable {
    let rows: FeatureRows
    let scores: LinearScores
    let transform: ScoreTransform
    let width: Int
    let labels: Table?

    func run(
      _ x: UnsafeRawPointer, classes: UnsafeMutablePointer<Int64>?,
      scores out: UnsafeMutablePointer<Float>?, scratch: UnsafeMutableRawPointer,
      pool: ThreadPool
    ) {
      let count = scores.outputs
      rows.run(x, scratch: scratch, pool: pool) { range, x, scratch in
        let own = (scratch + scores.scratchBytes).assumingMemoryBound(to: Float.self)
        let s = out.map { $0 + range.lowerBound * width } ?? own
        scores.run(rows: range.count, x, into: s, scratch: scratch)
        if let classes {
          for r in 0..<range.count {
            var best = 0
            if count == 1 {
              best = s[r] > 0 ? 1 : 0
            } else {
              let row = s + r * count
              for j in 1..<count where row[j] > row[best] { best = j }
            }
            classes[range.lowerBound + r] = Int64(labels.map { $0[best] } ?? best)
          }
        }
        guard out != nil else { return }
        if width != count {
          transform.expand(s, rows: range.count, negates: false)
        } else {
          transform.apply(s, rows: range.count, width: width)
        }
      }
    }
  }

  private func plan(
    _ x: TensorType, threads: Int, labelled: Bool
  ) throws(EngineError) -> Plan {
    let width = labels.count
    let sizes = try FeatureRows(x, floatsPerRow: width, threads: 1)
    let count = try scores(features: sizes.features)
    let scores = try LinearScores(
      weights: coefficients, outputs: count, bias: intercepts, rows: sizes)
    let rows = try FeatureRows(x, floatsPerRow: width, threads: threads) {
      scores.scratchBytes + $0 * width * 4
    }
    var table: Table?
    if case .ints(let list) = labels, labelled { table = Table(list) }
    return Plan(rows: rows, scores: scores, transform: transform, width: width, labels: table)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if p.wants(0) && labels.dtype == .string { return .dynamic }
    let plan = try plan(try p.input(0), threads: p.options.threads, labelled: true)
    let (wantsClass, wantsScores) = (p.wants(0), p.wants(1))
    return Prepared(scratchBytes: plan.rows.scratchBytes, label: "linear classes") { m in
      plan.run(
        m.inputs[0], classes: wantsClass ? m.output(0) : nil,
        scores: wantsScores ? m.output(1) : nil, scratch: m.scratch, pool: m.pool)
    }
  }

  /// Strings for labels.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    _ = try infer(Inference(inputs: [Fact(x.type)], outputCount: 2))
    let plan = try plan(x.type, threads: e.pool.threads, labelled: false)
    let rows = plan.rows.rows
    let out = try e.allocate(TensorType(.float32, [rows, plan.width]))
    let classes = try Storage(TensorType(.int64, [rows]))
    let scratch = try Storage(TensorType(.uint8, [plan.rows.scratchBytes]))
    plan.run(
      x.storage.bytes, classes: classes.bytes.assumingMemoryBound(to: Int64.self),
      scores: out.bytes.assumingMemoryBound(to: Float.self), scratch: scratch.bytes, pool: e.pool)
    withExtendedLifetime((x, scratch)) {}
    return [.tensor(try labels.labels(Tensor(classes))), .tensor(Tensor(out))]
  }
}

extension ClassLabels {
  /// The labels of classes given by number.
  func labels(_ classes: Tensor) throws(EngineError) -> Tensor {
    let numbers = classes.elements(Int64.self)
    switch self {
    case .ints(let list):
      return try Tensor(shape: classes.shape, numbers.map { Int64(list[Int($0)]) })
    case .strings(let list):
      return try Tensor(shape: classes.shape, strings: numbers.map { list[Int($0)] })
    }
  }
}

extension LinearClassifier {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let features = b.fact(of: x).dims?.last?.known else {
      throw EngineError(.notDifferentiable, "the number of features is not known")
    }
    let count = try scores(features: features)
    var made = try linearScores(b, x, coefficients, rows: count, intercepts: intercepts)
    let classes = try b.apply(ArgMax(ArgOptions(axis: 1, keepDims: false)), made)
    made =
      try labels.count == count
      ? transform.expand(b, made, width: count) : transform.pair(b, made, negates: false)
    return outputs < 2 ? Few(classes) : Few(classes, made)
  }
}
