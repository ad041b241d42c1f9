import Graphs
import Kernels
import Tensors

/// The class that an ensemble of decision trees gives each row, and the scores of all classes.
///
/// - `X`: `[N, F]` or `[F]`; float32, float64, int32 or int64. float64 rows are compared and added
///   in float64, all others in float32.
/// - `nodes_*`: nodes in lists of one length, told by tree and node number; `class_*`: votes of
///   leaves. `classlabels_strings` or `classlabels_int64s`: labels; one of them. `base_values`:
///   none, or one for each class (two classes: or one). `post_transform`: NONE (default), SOFTMAX,
///   LOGISTIC, SOFTMAX_ZERO, PROBIT.
/// - Outputs: labels `[N]`, strings or int64; scores float32 `[N, classes]`.
/// - Errors: `.attribute` for lists that make no trees or labels that are missing, `.shape` for
///   rows without a feature that the trees ask for.
/// - Edges: a NaN goes to the false node, or the true one where
///   `nodes_missing_value_tracks_true` is 1. Ties go to the first class.
/// - Accuracy: sums in the order of trees; deterministic for any number of threads.
/// - Source: ONNX ai.onnx.ml TreeEnsembleClassifier 1, 3, 5 (deprecated there); where ONNX is
///   silent on two classes, as ONNX Runtime.
public struct TreeEnsembleClassifier: Operator {
  let tables: TreeTables
  let scores: ClassScores
  let names: [String]
  let numbers: [Int]

  public static let schema = Schema(
    "TreeEnsembleClassifier", domain: "ai.onnx.ml", versions: [1, 3, 5],
    inputs: [Parameter("X", DTypes(.float32, .float64, .int32, .int64), "T1")],
    outputs: [
      Parameter("Y", DTypes(.string, .int64), "T2"), Parameter("Z", DTypes(.float32), ""),
    ],
    attributes: TreeAttributes.shared + [
      AttributeSpec("classlabels_strings", .strings, "labels of the classes"),
      AttributeSpec("classlabels_int64s", .ints, "labels of the classes"),
    ] + TreeAttributes.weights("class"),
    cases: {
      func op(_ labels: Attribute) throws -> TreeEnsembleClassifier {
        try TreeEnsembleClassifier(
          reading: AttributeReader(
            "TreeEnsembleClassifier", opset: 3,
            attributes: TreeAttributes.example("class") + [labels]))
      }
      let x = try Tensor([[0.5, 2], [1.5, 2], [1.5, 4]])
      return [
        .init(try op(.ints("classlabels_int64s", [3, 7])), [x], outputCount: 2),
        .init(try op(.strings("classlabels_strings", ["a", "b", "c"])), [x], outputCount: 2),
      ]
    })

  public init(reading a: AttributeReader) throws(EngineError) {
    names = try a.strings("classlabels_strings", default: [])
    numbers = try a.ints("classlabels_int64s", default: [])
    guard names.isEmpty != numbers.isEmpty else {
      throw EngineError(
        .attribute, "one of 'classlabels_strings' and 'classlabels_int64s' must be given",
        received: names.isEmpty ? "none" : "both")
    }
    let classes = names.count + numbers.count
    tables = try TreeTables(a, prefix: "class", targets: classes, aggregate: .sum)
    let base = tables.baseValues
    guard base.isEmpty || base.count == classes || (classes == 2 && base.count == 1) else {
      throw EngineError(
        .attribute, "attribute 'base_values' has the wrong length",
        expected: "none or \(classes), one for each class", received: "\(base.count)")
    }
    scores = ClassScores(
      tables.store.forest, classes: classes, transform: try TreeTransform(a), base: base)
  }

  public var attributes: [Attribute] {
    tables.attributes + [
      .string("post_transform", scores.transform.rawValue),
      names.isEmpty ? .ints("classlabels_int64s", numbers) : .strings("classlabels_strings", names),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let n = try TreeRows.dim(c, tables.store.forest)
    return [
      Fact(names.isEmpty ? .int64 : .string, n.map { [$0] }),
      Fact(.float32, n.map { [$0, Dim(scores.classes)] }),
    ]
  }

  private func kernel(_ x: TensorType, threads: Int) throws(EngineError) -> ForestKernel {
    let rows = try TreeRows(x.shape)
    return try ForestKernel(
      tables.store, source: x.dtype, rows: rows.count, features: rows.features,
      tracksPresence: scores.presence == .tracked, threads: threads)
  }

  private func run(
    _ kernel: ForestKernel, _ x: UnsafeRawPointer, _ z: UnsafeMutablePointer<Float>?,
    _ y: UnsafeMutablePointer<Int64>?, _ labels: [Int], _ scratch: UnsafeMutableRawPointer,
    _ pool: ThreadPool
  ) {
    if kernel.isNarrow {
      scores.run(
        kernel, x, scores: z, winners: y, labels: labels, scratch: scratch, pool: pool, Float.self)
    } else {
      scores.run(
        kernel, x, scores: z, winners: y, labels: labels, scratch: scratch, pool: pool,
        Double.self)
    }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    guard names.isEmpty else { return .dynamic }
    let x = try p.input(0)
    guard Self.schema.inputs[0].types.contains(x.dtype) else { throw p.noKernel() }
    let kernel = try kernel(x, threads: p.options.threads)
    let (wantsLabels, wantsScores) = (p.wants(0), p.wants(1))
    return Prepared(scratchBytes: kernel.scratchBytes, label: kernel.label) {
      [self] (m) throws(EngineError) in
      run(
        kernel, m.inputs[0], wantsScores ? m.output(1, Float.self) : nil,
        wantsLabels ? m.output(0, Int64.self) : nil, numbers, m.scratch, m.pool)
    }
  }

  /// Only string labels come here.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    let kernel = try kernel(x.type, threads: e.options.threads)
    let n = kernel.count
    let winners = try e.allocate(TensorType(.int64, [n]))
    let z = try e.allocate(TensorType(.float32, [n, scores.classes]))
    let scratch = try e.allocate(TensorType(.uint8, [kernel.scratchBytes]))
    let y = winners.bytes.assumingMemoryBound(to: Int64.self)
    x.withUnsafeBytes {
      run(
        kernel, $0.baseAddress ?? UnsafeRawPointer(Storage.empty),
        z.bytes.assumingMemoryBound(to: Float.self), y, Array(names.indices), scratch.bytes,
        e.pool)
    }
    var labels: [String] = []
    labels.reserveCapacity(n)
    withExtendedLifetime((winners, scratch)) {
      for r in 0..<n { labels.append(names[Int(y[r])]) }
    }
    return [.tensor(try Tensor(shape: [n], strings: labels)), .tensor(Tensor(z))]
  }
}
