import Graphs
import Kernels
import Tensors

/// Numbers that an ensemble of decision trees predicts for each row: for every target, the sum (or
/// average, least or largest) of the weights of the leaves that the row reaches, plus a base value.
///
/// - `X`: `[N, F]` or `[F]`; float32, float64, int32 or int64. float64 rows are compared and added
///   in float64, all others in float32.
/// - `nodes_*`: nodes in lists of one length, told by tree and node number; `target_*`: weights of
///   leaves. `aggregate_function`: SUM (default), AVERAGE, MIN, MAX. `n_targets`: default 1.
///   `base_values`: one for each target or none. `post_transform`: NONE (default), SOFTMAX,
///   LOGISTIC, SOFTMAX_ZERO, PROBIT; one target takes only PROBIT.
/// - Output: float32 `[N, n_targets]`.
/// - Errors: `.attribute` for lists that make no trees, `.shape` for rows without a feature that
///   the trees ask for.
/// - Edges: a NaN goes to the false node, or the true one where
///   `nodes_missing_value_tracks_true` is 1.
/// - Accuracy: sums in the order of trees; deterministic for any number of threads.
/// - Source: ONNX ai.onnx.ml TreeEnsembleRegressor 1, 3, 5 (deprecated there).
public struct TreeEnsembleRegressor: Operator {
  let tables: TreeTables
  let scores: TargetScores
  let targets: Int

  public static let schema = Schema(
    "TreeEnsembleRegressor", domain: "ai.onnx.ml", versions: [1, 3, 5],
    inputs: [Parameter("X", DTypes(.float32, .float64, .int32, .int64))],
    outputs: [Parameter("Y", DTypes(.float32), "")],
    attributes: TreeAttributes.shared + [
      AttributeSpec("aggregate_function", .string, "SUM (default), AVERAGE, MIN or MAX"),
      AttributeSpec("n_targets", .int, "number of targets; default 1"),
    ] + TreeAttributes.weights("target"),
    cases: {
      let op = try TreeEnsembleRegressor(
        reading: AttributeReader(
          "TreeEnsembleRegressor", opset: 3, attributes: TreeAttributes.example("target")))
      return [
        .init(op, [try Tensor([[0.5, 2], [1.5, 2], [1.5, 4]])]),
        .init(op, [try Tensor(shape: [2, 2], [0, 2, 3, 4] as [Int64])]),
      ]
    })

  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string(
      "aggregate_function", default: "SUM", oneOf: TargetScores.Aggregate.allCases.map(\.rawValue))
    let aggregate = TargetScores.Aggregate(rawValue: name) ?? .sum
    targets = try a.int("n_targets", default: 1)
    tables = try TreeTables(a, prefix: "target", targets: targets, aggregate: aggregate.ofForest)
    let base = tables.baseValues
    guard base.isEmpty || base.count == targets else {
      throw EngineError(
        .attribute, "attribute 'base_values' has the wrong length",
        expected: "none or \(targets), one for each target", received: "\(base.count)")
    }
    scores = TargetScores(aggregate: aggregate, transform: try TreeTransform(a), base: base)
  }

  public var attributes: [Attribute] {
    tables.attributes + [
      .string("aggregate_function", scores.aggregate.rawValue), .int("n_targets", targets),
      .string("post_transform", scores.transform.rawValue),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let n = try TreeRows.dim(c, tables.store.forest)
    return [Fact(.float32, n.map { [$0, Dim(targets)] })]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let rows = try TreeRows(x.shape)
    guard Self.schema.inputs[0].types.contains(x.dtype) else { throw p.noKernel() }
    let kernel = try ForestKernel(
      tables.store, source: x.dtype, rows: rows.count, features: rows.features,
      threads: p.options.threads)
    let trees = max(1, tables.store.forest.roots.count)
    return Prepared(scratchBytes: kernel.scratchBytes, label: kernel.label) {
      [scores, targets] (m) throws(EngineError) in
      let y = m.output(0, Float.self)
      if kernel.isNarrow {
        scores.run(
          kernel, targets: targets, trees: trees, m.inputs[0], y, scratch: m.scratch,
          pool: m.pool, Float.self)
      } else {
        scores.run(
          kernel, targets: targets, trees: trees, m.inputs[0], y, scratch: m.scratch,
          pool: m.pool, Double.self)
      }
    }
  }
}
