import Graphs
import Kernels
import Tensors

/// The negative log-likelihood of labels: `loss[n, d] = -input[n, target[n, d], d] * weight[target]`,
/// or its sum, or the sum divided by the sum of the weights.
///
/// - `input`: float dtypes, log-probabilities `[N, C, d1, ...]`; `target`: int32 or int64
///   `[N, d1, ...]`; `weight` (optional): `[C]`, default ones.
/// - `reduction`: none, sum or mean (default). `ignore_index`: a label whose elements do not count,
///   neither in the loss nor in the weights.
/// - Errors: `.shape` for sizes that do not fit, `.value` for a label that is no class.
/// - Edges: the mean of nothing is NaN.
/// - Accuracy: sums in float64; float16 and bfloat16 are computed in float32.
/// - Source: ONNX NegativeLogLikelihoodLoss 12, 13, 22.
public struct NegativeLogLikelihoodLoss: Operator {
  public let options: ClassLoss

  public static let schema = Schema(
    "NegativeLogLikelihoodLoss", versions: [12, 13, 22],
    inputs: [
      Parameter("input", .floats), Parameter("target", .indices, "Tind"),
      .optional("weight", .floats),
    ],
    outputs: [Parameter("loss", .floats)], attributes: ClassLoss.specs, isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 2], (0..<12).map { Float(($0 * 7) % 12) * 0.3 - 2 })
      let labels = try Tensor(shape: [2, 2], [2, 1, 0, 2] as [Int64])
      let weights = try Tensor([0.5, 1.5, 2] as [Float])
      return [
        .init(NegativeLogLikelihoodLoss(), [x, labels]),
        .init(NegativeLogLikelihoodLoss(ClassLoss(.none, ignored: 1)), [x, labels, weights]),
        .init(NegativeLogLikelihoodLoss(ClassLoss(.mean, ignored: 0)), [x, labels, weights]),
        .init(NegativeLogLikelihoodLoss(ClassLoss(.sum)), [x, labels, weights]),
      ]
    })

  public init(_ options: ClassLoss = ClassLoss()) { self.options = options }
  public init(reading a: AttributeReader) throws(EngineError) {
    options = try ClassLoss(reading: a)
  }
  public var attributes: [Attribute] { options.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [try options.infer(c)] }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, labels) = (try p.input(0), try p.input(1))
    let sizes = (x.shape[0], x.shape[1], x.shape.count(of: 2..<x.shape.rank))
    let indices = Indices(labels.dtype)
    let (options, hasWeights) = (options, p.has(2))
    switch x.dtype {
    case .float32:
      return Prepared(label: "nll") { (m) throws(EngineError) in
        try options.run(
          m.input(0, Float.self), m.inputs[1], indices, weights: hasWeights ? m.input(2) : nil,
          sizes, m.output(0))
      }
    case .float64:
      return Prepared(label: "nll") { (m) throws(EngineError) in
        try options.run(
          m.input(0, Double.self), m.inputs[1], indices, weights: hasWeights ? m.input(2) : nil,
          sizes, m.output(0))
      }
    default: throw p.noKernel()
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, weights) = try options.gradients(
      b, g, logProbabilities: g.input(0), needsWeights: g.needs(2))
    if g.needs(0) { g.give(0, x) }
    if let weights { g.give(2, weights) }
  }
}
