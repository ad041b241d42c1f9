import Graphs
import Kernels
import Tensors

/// Numbers that an ensemble of decision trees predicts for each row: for every target, the sum (or
/// average, least or largest) of the weights of the leaves that the row reaches.
///
/// - `X`: `[N, F]`; float16, float32 or float64. float64 rows are compared and added in float64,
///   all others in float32.
/// - `nodes_*`: inner nodes in lists of one length, children told by place (a leaf's where
///   `nodes_trueleafs` or `nodes_falseleafs` is 1); `nodes_modes`: uint8, 0 `<=`, 1 `<`, 2 `>=`,
///   3 `>`, 4 `==`, 5 `!=`, 6 member of a set. `membership_values`: the sets in the order of their
///   nodes, a NaN behind each. `leaf_*`: target and weight of each leaf. `tree_roots`: nodes.
///   `aggregate_function`: 0 average, 1 sum (default), 2 least, 3 largest. `post_transform`: 0 none
///   (default), 1 softmax, 2 logistic, 3 softmax_zero, 4 probit; one target takes only probit.
/// - Output: `[N, n_targets]`, dtype of X.
/// - Errors: `.attribute` for lists that make no trees, `.shape` for rows without a feature that
///   the trees ask for.
/// - Edges: a NaN goes to the false node, or the true one where
///   `nodes_missing_value_tracks_true` is 1.
/// - Accuracy: sums in the order of trees; deterministic for any number of threads.
/// - Source: ONNX ai.onnx.ml TreeEnsemble 5.
public struct TreeEnsemble: Operator {
  let tables: LeafTables
  let scores: TargetScores

  public static let schema = Schema(
    "TreeEnsemble", domain: "ai.onnx.ml", versions: [5],
    inputs: [Parameter("X", DTypes(.float16, .float32, .float64))],
    outputs: [Parameter("Y", DTypes(.float16, .float32, .float64))],
    attributes: [
      AttributeSpec("aggregate_function", .int, "0 average, 1 sum (default), 2 least, 3 largest"),
      AttributeSpec("leaf_targetids", .ints, "target of each leaf"),
      AttributeSpec("leaf_weights", .tensor, "weight of each leaf"),
      AttributeSpec("membership_values", .tensor, "sets, a NaN behind each"),
      AttributeSpec("n_targets", .int, "number of targets"),
      AttributeSpec("nodes_falseleafs", .ints, "1: the false child is a leaf"),
      AttributeSpec("nodes_falsenodeids", .ints, "place of the false child"),
      AttributeSpec("nodes_featureids", .ints, "feature that each node asks for"),
      AttributeSpec("nodes_hitrates", .tensor, "popularity; not used"),
      AttributeSpec("nodes_missing_value_tracks_true", .ints, "1: NaN leads to the true child"),
      AttributeSpec("nodes_modes", .tensor, "comparison of each node, 0 to 6"),
      AttributeSpec("nodes_splits", .tensor, "what each node compares with"),
      AttributeSpec("nodes_trueleafs", .ints, "1: the true child is a leaf"),
      AttributeSpec("nodes_truenodeids", .ints, "place of the true child"),
      AttributeSpec("post_transform", .int, "0 none (default) to 4 probit"),
      AttributeSpec("tree_roots", .ints, "node that each tree starts with"),
    ],
    cases: {
      let op = try TreeEnsemble(
        reading: AttributeReader("TreeEnsemble", opset: 5, attributes: LeafTables.example()))
      return [
        .init(op, [try Tensor([[1, 2], [4, 2], [5, 4]])]),
        .init(op, [try Tensor(shape: [1, 2], [1, 2] as [Double])]),
        .init(op, [try Tensor(shape: [2, 2], [1, 2, 4, 2] as [Float16])]),
      ]
    })

  private static let aggregates: [TargetScores.Aggregate] = [.average, .sum, .least, .largest]
  private static let transforms: [TreeTransform] = [
    .none, .softmax, .logistic, .softmaxZero, .probit,
  ]

  public init(reading a: AttributeReader) throws(EngineError) {
    let (aggregate, transform) = (
      try a.int("aggregate_function", default: 1), try a.int("post_transform", default: 0)
    )
    guard Self.aggregates.indices.contains(aggregate) else {
      throw EngineError(
        .attribute, "attribute 'aggregate_function' has no legal value", expected: "0 to 3",
        received: "\(aggregate)")
    }
    guard Self.transforms.indices.contains(transform) else {
      throw EngineError(
        .attribute, "attribute 'post_transform' has no legal value", expected: "0 to 4",
        received: "\(transform)")
    }
    scores = TargetScores(
      aggregate: Self.aggregates[aggregate], transform: Self.transforms[transform], base: [])
    tables = try LeafTables(a, aggregate: scores.aggregate.ofForest)
  }

  public var attributes: [Attribute] {
    tables.attributes + [
      .int("aggregate_function", Self.aggregates.firstIndex(of: scores.aggregate) ?? 1),
      .int("post_transform", Self.transforms.firstIndex(of: scores.transform) ?? 0),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let n = try TreeRows.dim(c, tables.store.forest)
    return [Fact(c.dtype(0), n.map { [$0, Dim(tables.store.forest.targetCount)] })]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let rows = try TreeRows(x.shape)
    guard Self.schema.inputs[0].types.contains(x.dtype) else { throw p.noKernel() }
    let forest = tables.store.forest
    let kernel = try ForestKernel(
      tables.store, source: x.dtype, rows: rows.count, features: rows.features,
      threads: p.options.threads)
    let (targets, trees) = (forest.targetCount, max(1, forest.roots.count))
    return Prepared(scratchBytes: kernel.scratchBytes, label: kernel.label) {
      [scores] (m) throws(EngineError) in
      switch x.dtype {
      case .float64:
        scores.run(
          kernel, targets: targets, trees: trees, m.inputs[0], m.output(0, Double.self),
          scratch: m.scratch, pool: m.pool, Double.self)
      case .float16:
        scores.run(
          kernel, targets: targets, trees: trees, m.inputs[0], m.output(0, Float16.self),
          scratch: m.scratch, pool: m.pool, Float.self)
      default:
        scores.run(
          kernel, targets: targets, trees: trees, m.inputs[0], m.output(0, Float.self),
          scratch: m.scratch, pool: m.pool, Float.self)
      }
    }
  }
}
