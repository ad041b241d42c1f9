import Tensors
import Training

/// How many predictions are right.
///
/// - `kind`: `.binary`: a prediction above `threshold` against a target of 0 or 1; `.categorical`:
///   the likeliest class against that of a distribution; `.sparse`: against a class number;
///   `.automatic`: by the shapes. Of equal ones the first class counts.
/// - Source: Keras 3 Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy.
public final class Accuracy: Metric {
  /// What is compared.
  public enum Kind: Sendable { case automatic, binary, categorical, sparse }

  /// Which one of its kinds.
  public let kind: Kind
  /// For two classes: above it is the second. 0.5 for probabilities, 0 for logits.
  public let threshold: Double
  private var sum = WeightedSum()

  public init(
    _ name: String = "accuracy", kind: Kind = .automatic, threshold: Double = 0.5, output: Int = 0
  ) {
    self.kind = kind
    self.threshold = threshold
    super.init(name, output: output)
  }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let classes = predictions.shape.rank > 0 ? predictions.shape[predictions.shape.rank - 1] : 1
    var kind = self.kind
    if kind == .automatic {
      kind = classes == 1 ? .binary : predictions.shape == targets.shape ? .categorical : .sparse
    }
    if kind == .binary {
      if weights == nil, predictions.dtype == .float32, targets.dtype == .float32,
        predictions.count == targets.count
      {
        let (p, t) = (predictions.elements(Float.self), targets.elements(Float.self))
        var hits = 0
        for i in 0..<p.count where (Double(p[i]) > threshold ? 1 : 0) == t[i] { hits += 1 }
        sum.add(hits: hits, of: p.count)
        return
      }
      let (p, t) = try pairs(predictions, targets)
      let w = try self.weights(weights, p.count)
      for i in p.indices {
        sum.add((p[i] > threshold ? 1.0 : 0.0) == t[i] ? 1 : 0, w.map { $0[i] } ?? 1)
      }
      return
    }
    if kind == .sparse, weights == nil, predictions.dtype == .float32, targets.dtype == .int64,
      classes > 0, predictions.count == targets.count * classes
    {
      sum.add(hits: Self.hits(predictions, targets, classes), of: targets.count)
      return
    }
    let got = try likeliest(predictions, classes)
    let want =
      kind == .categorical
      ? try likeliest(targets, classes) : try numbers(targets).map { Int($0) }
    guard got.count == want.count else {
      throw EngineError(
        .shape, "predictions and targets differ in the number of samples",
        expected: "\(want.count)", received: "\(got.count)")
    }
    let w = try self.weights(weights, got.count)
    for i in got.indices { sum.add(got[i] == want[i] ? 1 : 0, w.map { $0[i] } ?? 1) }
  }

  /// How often the first largest of a row's scores is the target's: the usual case, without a copy.
  private static func hits(_ scores: Tensor, _ targets: Tensor, _ classes: Int) -> Int {
    scores.withUnsafeBytes { s in
      targets.withUnsafeBytes { t in
        let (s, t) = (s.bindMemory(to: Float.self), t.bindMemory(to: Int64.self))
        var hits = 0
        for row in t.indices {
          var best = 0
          for i in 1..<max(classes, 1) where s[row * classes + i] > s[row * classes + best] {
            best = i
          }
          if Int64(best) == t[row] { hits += 1 }
        }
        return hits
      }
    }
  }
  public override var result: Double { sum.mean }
  public override func reset() { sum.reset() }

  /// The place of the first largest number in each row, without a copy where it can be.
  private func likeliest(_ t: Tensor, _ width: Int) throws -> [Int] {
    guard t.dtype == .float32 else { return largest(try numbers(t), width) }
    let values = t.elements(Float.self)
    return (0..<t.count / max(width, 1)).map { row in
      var best = row * width
      for i in row * width..<(row + 1) * width where values[i] > values[best] { best = i }
      return best - row * width
    }
  }
}

/// The place of the first largest number in each row.
func largest(_ values: [Double], _ width: Int) -> [Int] {
  guard width > 0 else { return [] }
  return (0..<values.count / width).map { row in
    var best = 0
    for i in 1..<max(width, 1) where values[row * width + i] > values[row * width + best] {
      best = i
    }
    return best
  }
}
