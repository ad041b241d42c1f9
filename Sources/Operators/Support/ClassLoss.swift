import Graphs
import Kernels
import Tensors

/// The attributes of losses over classes, and what these losses share.
public struct ClassLoss: Hashable, Sendable {
  public enum Reduction: String, Sendable, CaseIterable { case none, sum, mean }
  public var reduction: Reduction
  /// The label of elements that do not count.
  public var ignored: Int?

  public init(_ reduction: Reduction = .mean, ignored: Int? = nil) {
    self.reduction = reduction
    self.ignored = ignored
  }
  init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string(
      "reduction", default: "mean", oneOf: Reduction.allCases.map(\.rawValue))
    reduction = Reduction(rawValue: name) ?? .mean
    ignored = try a.optionalInt("ignore_index")
  }
  var attributes: [Attribute] {
    [.string("reduction", reduction.rawValue)] + (ignored.map { [.int("ignore_index", $0)] } ?? [])
  }
  static let specs: [AttributeSpec] = [
    AttributeSpec("reduction", .string, "none, sum or mean (default)"),
    AttributeSpec("ignore_index", .int, "the label of elements that do not count; default none"),
  ]

  /// The loss's type, from scores, labels and weights.
  ///
  /// Errors: `.shape` for sizes that do not fit.
  func infer(_ c: Inference) throws(EngineError) -> Fact {
    try checkSameDType(c.dtype(0), c.dtype(2))
    let (x, labels) = (c.dims(0), c.dims(1))
    if let x, x.count < 2 {
      throw EngineError(
        .shape, "the scores have no axis of classes", expected: "rank 2 or more", received: "\(x)")
    }
    if let x, let labels {
      let wanted = [x[0]] + x.dropFirst(2)
      let fits = zip(wanted, labels).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
      guard wanted.count == labels.count, fits else {
        throw EngineError(
          .shape, "the labels do not fit the scores", expected: "\(wanted)", received: "\(labels)")
      }
    }
    if let weights = c.dims(2) {
      guard weights.count == 1 else {
        throw EngineError(
          .shape, "the weights are no vector", expected: "rank 1", received: "\(weights)")
      }
      if let n = weights[0].known, let classes = x?[1].known, n != classes {
        throw EngineError(
          .shape, "there is not one weight a class", expected: "\(classes)", received: "\(n)")
      }
    }
    let dtype = c.dtype(0) ?? c.dtype(2)
    if reduction != .none { return Fact(dtype, []) }
    return Fact(dtype, labels ?? x.map { [$0[0]] + $0.dropFirst(2) })
  }

  /// `y` from log-probabilities `[outer, classes, inner]` and labels `[outer, inner]`.
  ///
  /// Sums in float64, in the order of the labels. `hasChosen`: x holds those of the labels alone,
  /// `[outer, inner]`.
  ///
  /// Errors: `.value` for a label that is no class and not ignored.
  func run<T: Real>(
    _ x: UnsafePointer<T>, _ labels: UnsafeRawPointer, _ indices: Indices,
    weights: UnsafePointer<T>?, _ sizes: (outer: Int, classes: Int, inner: Int),
    _ y: UnsafeMutablePointer<T>, hasChosen: Bool = false
  ) throws(EngineError) {
    var (sum, total): (Double, Double) = (0, 0)
    for o in 0..<sizes.outer {
      for i in 0..<sizes.inner {
        let at = o * sizes.inner + i
        let label = indices.load(labels, at)
        var (loss, weight): (T, T) = (0, 0)
        if label != ignored {
          guard label >= 0, label < sizes.classes else {
            throw Self.noClass(label, at: at, classes: sizes.classes)
          }
          weight = weights?[label] ?? 1
          loss = -x[hasChosen ? at : (o * sizes.classes + label) * sizes.inner + i] * weight
        }
        if reduction == .none {
          y[at] = loss
        } else {
          sum += Double(loss)
          total += Double(weight)
        }
      }
    }
    if reduction != .none { y[0] = T(reduction == .mean ? sum / total : sum) }
  }

  /// What a label out of range is told.
  static func noClass(_ label: Int, at place: Int, classes: Int) -> EngineError {
    EngineError(
      .value, "the label at place \(place), counted from 0, is no class of the predictions",
      expected: classes > 0
        ? "0 to \(classes - 1), since they have \(classes) classes" : "no label",
      received: "\(label)",
      hint: label == classes
        ? "classes count from 0; should there be \(classes + 1)?"
        : "give the last layer as many outputs as there are classes")
  }

  /// The gradients by log-probabilities of the shape of `x`, and by weights where `needsWeights`.
  func gradients<B: Builder>(
    _ b: B, _ g: Backward<B.Value>, logProbabilities x: B.Value, needsWeights: Bool
  ) throws(EngineError) -> (x: B.Value, weights: B.Value?) {
    try gradients(
      b, labels: g.input(1), weights: g.has(2) ? g.input(2) : nil, upstream: g.upstream(),
      loss: g.output, logProbabilities: x, needsWeights: needsWeights)
  }

  /// The same from the parts. `loss`: what is derived, read where `needsWeights`.
  func gradients<B: Builder>(
    _ b: B, labels given: B.Value, weights: B.Value?, upstream up: B.Value, loss: B.Value?,
    logProbabilities x: B.Value, needsWeights: Bool
  ) throws(EngineError) -> (x: B.Value, weights: B.Value?) {
    let labels = try b.apply(Cast(to: .int64), given)
    var safe = labels
    var counts = try b.apply(CastLike(), b.apply(Equal(), labels, labels), x)
    if let ignored {
      let skip = try b.apply(Equal(), labels, b.constant(Tensor(scalar: Int64(ignored))))
      safe = try b.apply(Where(), skip, b.constant(Tensor(scalar: 0 as Int64)), labels)
      counts = try b.apply(CastLike(), b.apply(Not(), skip), x)
    }
    var weight = counts
    if let weights { weight = try times(b, b.apply(Gather(axis: 0), weights, safe), counts) }
    var rate = try times(b, counts, up)
    if reduction == .mean {
      rate = try times(b, counts, over(b, up, b.apply(SumToShape(), weight, up)))
    }
    let axis = try b.constant(Tensor([1] as [Int64]))
    let classes = try b.apply(Gather(axis: 0), b.apply(ShapeOp(), x), axis)
    let values = try b.apply(CastLike(), b.constant(Tensor([0, 1] as [Float])), x)
    let isLabel = try b.apply(OneHot(axis: 1), safe, classes, values)
    var slope = rate
    if let weights { slope = try times(b, b.apply(Gather(axis: 0), weights, safe), rate) }
    let down = try times(b, isLabel, b.apply(Unsqueeze(), slope, axis))
    let result = try b.apply(Neg(), down)
    guard needsWeights, let rank = b.fact(of: x).rank else { return (result, nil) }
    // A weight scales the losses of its labels, and with them, for the mean, what they are divided by.
    var losses = try b.apply(Neg(), x)
    if reduction == .mean, let loss { losses = try b.apply(Sub(), losses, loss) }
    let parts = try times(
      b, times(b, isLabel, b.apply(Unsqueeze(), rate, axis)), losses)
    let axes = try b.constant(Tensor((0..<rank).filter { $0 != 1 }.map { Int64($0) }))
    return (result, try b.apply(ReduceSum(ReduceAxes(keepDims: false)), parts, axes))
  }
}
