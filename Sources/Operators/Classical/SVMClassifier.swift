import Graphs
import Kernels
import Tensors

/// The class of each row by a support vector machine, and scores or probabilities.
///
/// - Formula: for classes `i < j` the machine `s[i, j] = sum_v c[v] K(X, v) + rho[i, j]` over the
///   support vectors of both votes for i where it is above 0, else for j; `Y` is the label with
///   most votes, the first of equal ones. Z is `s`, pairs in row-major order, or for two classes
///   `-s` and `s`. With `prob_a` and `prob_b` Z has the probability of each class instead:
///   `1 / (1 + e^(a s + b))` of each pair, coupled by Wu, Lin and Weng's second method.
///   Without `vectors_per_class` the model is linear: a row of coefficients and a score a class.
/// - `X`: float32, float64, int32 or int64, `[N, F]` or `[F]`, which is one row; taken in float32.
///   `Y`: int64 or strings `[N]`. `Z`: float32 `[N, E]`.
/// - `support_vectors`: rows of F, class by class, `vectors_per_class` of each. `coefficients`:
///   `[classes - 1, vectors]` as libsvm has them. `rho`, `prob_a`, `prob_b`: one a pair.
///   `kernel_type`, `kernel_params`: see `SVMKernel`. `post_transform`: see `ScoreTransform`.
/// - Errors: `.attribute` when the lists do not fit each other, `.shape` when F does not fit.
/// - Accuracy: kernels and sums in float32, probabilities of pairs and their coupling in float64.
/// - Source: ai.onnx.ml SVMClassifier 1; ONNX Runtime 1.32 for what it leaves open; "Probability
///   Estimates for Multi-class Classification by Pairwise Coupling", 2004, as in libsvm. A linear
///   model of two classes gives the second where any score is above 0 (above 0.5 where no
///   coefficient is negative), as ONNX Runtime does.
public struct SVMClassifier: Operator {
  public let machine: SVMMachine
  public let labels: ClassLabels
  public let transform: ScoreTransform

  public static let schema = Schema(
    "SVMClassifier", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", Classical.numbers, "T1")],
    outputs: [Parameter("Y", [.string, .int64], "T2"), Parameter("Z", DTypes(.float32), "")],
    attributes: [
      AttributeSpec("classlabels_ints", .ints, "the labels, or"),
      AttributeSpec("classlabels_strings", .strings, "the labels"),
      AttributeSpec("coefficients", .floats, "[classes - 1, vectors], or [classes, features]"),
      ScoreTransform.spec, AttributeSpec("prob_a", .floats, "slope for each pair of classes"),
      AttributeSpec("prob_b", .floats, "offset for each pair of classes"),
      AttributeSpec("rho", .floats, "one for each pair of classes"),
      AttributeSpec("support_vectors", .floats, "rows of features, class by class"),
      AttributeSpec("vectors_per_class", .ints, "support vectors of each class"),
    ] + SVMKernel.specs,
    cases: {
      let x = try Tensor(shape: [3, 2], [1, -2, 3, 0.5, -1, 1] as [Float])
      let support: [Float] = [0.5, -1, 2, 0.25, -1, 1.5, 0, 3]
      let coefficients: [Float] = [1, 0.5, -0.75, -0.5, 0.25, 0.75, 1.5, -1]
      let rho: [Float] = [0.1, -0.2, 0.3]
      func op(_ labels: ClassLabels, _ a: [Float], _ b: [Float]) throws -> Schema.Case {
        .init(
          try SVMClassifier(
            SVMMachine(
              SVMKernel(.rbf, gamma: 0.25), support: support, perClass: [1, 1, 2],
              coefficients: coefficients, rho: rho, slopes: a, offsets: b, classes: 3),
            labels: labels), [x], outputCount: 2)
      }
      return [
        try op(.ints([3, 5, 4]), [], []),
        try op(.strings(["a", "b", "c"]), [-1, -1.5, -2], [0.1, 0.2, -0.1]),
        .init(
          try SVMClassifier(
            SVMMachine(
              SVMKernel(.poly, gamma: 0.5, coef0: 1, degree: 2), support: support,
              perClass: [2, 2], coefficients: [1, 0.5, -0.75, -0.5], rho: [0.2], classes: 2),
            labels: .ints([0, 1])), [x], outputCount: 2),
        .init(
          try SVMClassifier(
            SVMMachine(SVMKernel(), coefficients: coefficients, rho: [0.5], classes: 4),
            labels: .ints([0, 1, 2, 3])), [x], outputCount: 2),
      ]
    })

  /// Errors: `.attribute` when the labels are not as many as the machine's classes.
  public init(
    _ machine: SVMMachine, labels: ClassLabels, transform: ScoreTransform = .none
  ) throws(EngineError) {
    self.machine = machine
    self.labels = labels
    self.transform = transform
    guard machine.classes == labels.count else {
      throw EngineError(
        .attribute, "labels and classes differ in number", expected: "\(machine.classes)",
        received: "\(labels.count)")
    }
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    let labels = try ClassLabels(
      reading: a, ints: "classlabels_ints", strings: "classlabels_strings")
    try self.init(
      SVMMachine(reading: a, classes: labels.count), labels: labels,
      transform: ScoreTransform(reading: a))
  }
  public var attributes: [Attribute] {
    machine.attributes + [
      labels.attribute(ints: "classlabels_ints", strings: "classlabels_strings"),
      transform.attribute,
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let rows =
      try FeatureRows.sizes(c.dims(0), features: machine.features)?.rows ?? c.unknown()
    return [Fact(labels.dtype, [rows]), Fact(.float32, [rows, Dim(machine.width)])]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let dims = inputs[0] else { return nil }
    let rows: Dim = dims.count == 1 ? 1 : dims[0]
    if machine.vectors == 0 { return rows * Dim(machine.classes * machine.features) }
    return rows * Dim(machine.vectors * (machine.features + machine.classes - 1))
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if p.wants(0) && labels.dtype == .string { return .dynamic }
    var table: Table?
    if case .ints(let list) = labels { table = Table(list) }
    let plan = try SVMPlan(
      machine, transform, try p.input(0), threads: p.options.threads, labels: table)
    let (wantsClass, wantsScores) = (p.wants(0), p.wants(1))
    return Prepared(
      scratchBytes: plan.rows.scratchBytes, label: "svm classes \(machine.kernel.kind)"
    ) { m in
      plan.run(
        m.inputs[0], classes: wantsClass ? m.output(0) : nil,
        scores: wantsScores ? m.output(1) : nil, scratch: m.scratch, pool: m.pool)
    }
  }

  /// Strings for labels.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    _ = try infer(Inference(inputs: [Fact(x.type)], outputCount: 2))
    let plan = try SVMPlan(machine, transform, x.type, threads: e.pool.threads, labels: nil)
    let rows = plan.rows.rows
    let out = try e.allocate(TensorType(.float32, [rows, machine.width]))
    let classes = try Storage(TensorType(.int64, [rows]))
    let scratch = try Storage(TensorType(.uint8, [plan.rows.scratchBytes]))
    plan.run(
      x.storage.bytes, classes: classes.bytes.assumingMemoryBound(to: Int64.self),
      scores: out.bytes.assumingMemoryBound(to: Float.self), scratch: scratch.bytes, pool: e.pool)
    withExtendedLifetime((x, scratch)) {}
    return [.tensor(try labels.labels(Tensor(classes))), .tensor(Tensor(out))]
  }
}
