import Graphs
import Kernels
import Tensors

/// The gradient of `SoftmaxCrossEntropyLoss` by its scores.
///
/// `dX[n, c] = rate[n] * (softmax(X)[n, c] - (c = label[n]))` along axis 1, with
/// `rate = dY * weight[label]`, over the sum of the weights of all labels for the mean; 0 for labels
/// that do not count.
///
/// - `scores`, `labels`, `weights` (optional): as there. `dY`: the gradient by the loss.
/// - Attributes: those of the loss.
/// - Output: the shape of the scores.
/// - Errors: `.value` for a label that is no class; `.shape`.
/// - Accuracy: as Softmax; the same for any number of threads.
/// - Gradient: from the formula, by the scores and dY.
/// - Source: domain ai.dlrun 1.
public struct SoftmaxCrossEntropyGradient: FormulaGradient {
  public let options: ClassLoss

  public static let schema = Schema(
    "SoftmaxCrossEntropyGradient", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("scores", .floats), Parameter("labels", .indices, "Tind"),
      Parameter("dY", .floats), .optional("weights", .floats),
    ],
    outputs: [Parameter("dX", .floats)], attributes: ClassLoss.specs, isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 2], (0..<12).map { Float(($0 * 7) % 12) * 0.3 - 2 })
      let labels = try Tensor(shape: [2, 2], [2, 1, 0, 2] as [Int64])
      let weights = try Tensor([0.5, 1.5, 2] as [Float])
      let one = try Tensor(scalar: Float(1.5))
      let each = try Tensor(shape: [2, 2], [0.5, 1, -1, 2] as [Float])
      return [
        .init(SoftmaxCrossEntropyGradient(), [x, labels, one]),
        .init(SoftmaxCrossEntropyGradient(ClassLoss(.none)), [x, labels, each, weights]),
        .init(
          SoftmaxCrossEntropyGradient(ClassLoss(.mean, ignored: 0)), [x, labels, one, weights]),
      ]
    })

  public init(_ options: ClassLoss = ClassLoss()) { self.options = options }
  public init(reading a: AttributeReader) throws(EngineError) {
    options = try ClassLoss(reading: a)
  }
  public var attributes: [Attribute] { options.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    _ = try options.infer(
      Inference(inputs: [c.fact(0), c.fact(1), c.fact(3)]))
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, labels, dy) = (try p.input(0), try p.input(1), try p.input(2))
    guard x.dtype == .float32 || x.dtype == .float64 else { throw p.noKernel() }
    let wanted = options.reduction == .none ? labels.shape : []
    guard dy.shape == wanted, dy.dtype == x.dtype else {
      throw EngineError(
        .shape, "the gradient does not have the type of the loss",
        expected: "\(TensorType(x.dtype, wanted))", received: "\(dy)")
    }
    let hasWeights = p.has(3)
    let work = Work(
      options: options, outer: x.shape[0], classes: x.shape[1],
      inner: x.shape.count(of: 2..<x.shape.rank), indices: Indices(labels.dtype))
    let dtype = x.dtype
    return Prepared(
      scratchBytes: labels.shape.count * dtype.byteSize, label: "softmax nll gradient"
    ) { (m) throws(EngineError) in
      if dtype == .float32, work.inner == 1, CrossEntropyRows.isAvailable {
        let rates = try work.rates(Float.self, m, hasWeights: hasWeights)
        CrossEntropyRows.gradients(
          m.inputs[0].assumingMemoryBound(to: Float.self), rows: work.outer, n: work.classes,
          rates: rates, into: m.outputs[0].assumingMemoryBound(to: Float.self), pool: m.pool
        ) { work.indices.load(m.inputs[1], $0) }
        return
      }
      SoftmaxKernel.run(
        dtype, log: false, m.inputs[0], outer: work.outer, n: work.classes, inner: work.inner,
        into: m.outputs[0], pool: m.pool)
      if dtype == .float32 {
        try work.run(Float.self, m, hasWeights: hasWeights)
      } else {
        try work.run(Double.self, m, hasWeights: hasWeights)
      }
    }
  }

  /// What is left once softmax stands in the output.
  private struct Work: Sendable {
    let options: ClassLoss
    let outer: Int
    let classes: Int
    let inner: Int
    let indices: Indices

    /// The factor of each label, in scratch.
    func rates<T: Real>(
      _: T.Type, _ m: Memory, hasWeights: Bool
    ) throws(EngineError) -> UnsafePointer<T> {
      let up = UnsafePointer(m.inputs[2].assumingMemoryBound(to: T.self))
      let weights =
        hasWeights ? UnsafePointer(m.inputs[3].assumingMemoryBound(to: T.self)) : nil
      let rates = m.scratch.assumingMemoryBound(to: T.self)
      var total = 0.0
      for at in 0..<outer * inner {
        let label = indices.load(m.inputs[1], at)
        if label == options.ignored {
          rates[at] = 0
          continue
        }
        guard label >= 0, label < classes else {
          throw ClassLoss.noClass(label, at: at, classes: classes)
        }
        rates[at] = weights?[label] ?? 1
        total += Double(rates[at])
      }
      let scale: T = options.reduction == .mean ? up[0] / T(total) : up[0]
      for at in 0..<outer * inner {
        rates[at] *= options.reduction == .none ? up[at] : scale
      }
      return UnsafePointer(rates)
    }

    func run<T: Real>(_: T.Type, _ m: Memory, hasWeights: Bool) throws(EngineError) {
      let rates = try self.rates(T.self, m, hasWeights: hasWeights)
      let result = m.outputs[0].assumingMemoryBound(to: T.self)
      let each = max(1, 16_384 / max(1, classes * inner))
      m.pool.run((outer + each - 1) / each) { piece in
        for o in piece * each..<min(outer, (piece + 1) * each) {
          let plane = result + o * classes * inner
          for i in 0..<inner {
            let rate = rates[o * inner + i]
            let label = indices.load(m.inputs[1], o * inner + i)
            if rate == 0 && label == options.ignored {
              for c in 0..<classes { plane[c * inner + i] = 0 }
              continue
            }
            if inner == 1 {
              for c in 0..<classes { plane[c] *= rate }
            } else {
              for c in 0..<classes { plane[c * inner + i] *= rate }
            }
            plane[label * inner + i] -= rate
          }
        }
      }
    }
  }

  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let scores = inputs[0], let labels = inputs[1], let up = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    let log = try b.apply(LogSoftmax(SoftmaxAxis(1)), scores)
    let down = try options.gradients(
      b, labels: labels, weights: inputs.count > 3 ? inputs[3] : nil, upstream: up, loss: nil,
      logProbabilities: log, needsWeights: false
    ).x
    let axis = try b.constant(Tensor([1] as [Int64]))
    let sum = try b.apply(ReduceSum(ReduceAxes(keepDims: true)), down, axis)
    let share = try b.apply(Softmax(SoftmaxAxis(1)), scores)
    return Few(try minus(b, down, times(b, share, sum)))
  }
}
