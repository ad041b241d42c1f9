import Graphs
import Kernels
import Tensors

/// The cross entropy between softmax of the scores and labels:
/// `NegativeLogLikelihoodLoss(log_prob, labels, weights)` with `log_prob = LogSoftmax(scores)` along
/// axis 1.
///
/// - `scores`: float dtypes `[N, C, d1, ...]`; `labels`: int32 or int64 `[N, d1, ...]`; `weights`
///   (optional): `[C]`, default ones.
/// - Results: the loss, and `log_prob` (optional) of the shape of the scores.
/// - `reduction`, `ignore_index`, errors, edges, accuracy: as NegativeLogLikelihoodLoss.
/// - Gradient: `(softmax - label) * weight`, by the weights as well, and through `log_prob`.
/// - Source: ONNX SoftmaxCrossEntropyLoss 12, 13.
public struct SoftmaxCrossEntropyLoss: Operator {
  public let options: ClassLoss

  public static let schema = Schema(
    "SoftmaxCrossEntropyLoss", versions: [12, 13],
    inputs: [
      Parameter("scores", .floats), Parameter("labels", .indices, "Tind"),
      .optional("weights", .floats),
    ],
    outputs: [Parameter("output", .floats), .optional("log_prob", .floats)],
    attributes: ClassLoss.specs, isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 2], (0..<12).map { Float(($0 * 7) % 12) * 0.3 - 2 })
      let labels = try Tensor(shape: [2, 2], [2, 1, 0, 2] as [Int64])
      let weights = try Tensor([0.5, 1.5, 2] as [Float])
      return [
        .init(SoftmaxCrossEntropyLoss(), [x, labels]),
        .init(
          SoftmaxCrossEntropyLoss(ClassLoss(.none, ignored: 1)), [x, labels, weights],
          outputCount: 2),
        .init(SoftmaxCrossEntropyLoss(ClassLoss(.mean, ignored: 0)), [x, labels, weights]),
        .init(SoftmaxCrossEntropyLoss(ClassLoss(.sum)), [x, labels, weights], outputCount: 2),
      ]
    })

  public init(_ options: ClassLoss = ClassLoss()) { self.options = options }
  public init(reading a: AttributeReader) throws(EngineError) {
    options = try ClassLoss(reading: a)
  }
  public var attributes: [Attribute] { options.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [try options.infer(c), Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, labels) = (try p.input(0), try p.input(1))
    let sizes = (outer: x.shape[0], classes: x.shape[1], inner: x.shape.count(of: 2..<x.shape.rank))
    let indices = Indices(labels.dtype)
    let (options, dtype) = (options, x.dtype)
    let (hasWeights, wantsLog) = (p.has(2), p.wants(1))
    guard dtype == .float32 || dtype == .float64 else { throw p.noKernel() }
    if dtype == .float32, !wantsLog, sizes.inner == 1, sizes.classes > 0,
      CrossEntropyRows.isAvailable
    {
      // Of each row the largest score, the logarithm of its sum, the label's log-probability.
      return Prepared(scratchBytes: 3 * sizes.outer * 4, label: "softmax nll rows") {
        (m) throws(EngineError) in
        let x = UnsafePointer(m.inputs[0].assumingMemoryBound(to: Float.self))
        let tops = m.scratch.assumingMemoryBound(to: Float.self)
        let logs = tops + sizes.outer
        CrossEntropyRows.totals(
          x, rows: sizes.outer, n: sizes.classes, tops: tops, logs: logs, pool: m.pool)
        let chosen = logs + sizes.outer
        for r in 0..<sizes.outer {
          let label = indices.load(m.inputs[1], r)
          let isClass = label >= 0 && label < sizes.classes
          chosen[r] = isClass ? (x[r * sizes.classes + label] - tops[r]) - logs[r] : 0
        }
        try options.run(
          UnsafePointer(chosen), m.inputs[1], indices, weights: hasWeights ? m.input(2) : nil,
          sizes, m.output(0), hasChosen: true)
      }
    }
    return Prepared(scratchBytes: wantsLog ? 0 : x.byteCount, label: "softmax nll") {
      (m) throws(EngineError) in
      let log = wantsLog ? m.outputs[1] : m.scratch
      SoftmaxKernel.run(
        dtype, log: true, m.inputs[0], outer: sizes.outer, n: sizes.classes, inner: sizes.inner,
        into: log, pool: m.pool)
      if dtype == .float32 {
        try options.run(
          UnsafePointer(log.assumingMemoryBound(to: Float.self)), m.inputs[1], indices,
          weights: hasWeights ? m.input(2) : nil, sizes, m.output(0))
      } else {
        try options.run(
          UnsafePointer(log.assumingMemoryBound(to: Double.self)), m.inputs[1], indices,
          weights: hasWeights ? m.input(2) : nil, sizes, m.output(0))
      }
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let scores = try g.input(0)
    var down: B.Value? = g.upstreams.count > 1 ? g.upstreams[1] : nil
    if let up = g.upstreams[0], down == nil, !g.needs(2) {
      let op = SoftmaxCrossEntropyGradient(options)
      let weights = g.has(2) ? try g.input(2) : nil
      g.give(0, try b.apply(op, inputs: [scores, g.input(1), up, weights], outputs: 1)[0])
      return
    }
    if g.upstreams[0] != nil {
      let log = try b.apply(LogSoftmax(SoftmaxAxis(1)), scores)
      let (x, weights) = try options.gradients(
        b, g, logProbabilities: log, needsWeights: g.needs(2))
      if let weights { g.give(2, weights) }
      down = if let other = down { try plus(b, x, other) } else { x }
    }
    guard let down, g.needs(0) else { return }
    let axis = try b.constant(Tensor([1] as [Int64]))
    let sum = try b.apply(ReduceSum(ReduceAxes(keepDims: true)), down, axis)
    let share = try b.apply(Softmax(SoftmaxAxis(1)), scores)
    g.give(0, try minus(b, down, times(b, share, sum)))
  }
}
