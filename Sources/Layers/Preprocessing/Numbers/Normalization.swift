import Tensors
import Training

/// Numbers less a mean over a deviation, both known beforehand: `(x - mean) / max(sqrt(variance),
/// 1e-7)`, or back.
///
/// ```swift
/// let scaled = Normalization()
/// try scaled.adapt(x)
/// ```
///
/// - `axis`: the axis whose places have moments of their own, the last by default; nil for one
///   pair.
/// - `inverts`: whether numbers become what they were: `x max(sqrt(variance), 1e-7) + mean`.
/// - Input: numbers of any type. Output: the layer's dtype. - States: `mean`, `variance`.
/// - Errors: `.usage` where moments were neither given nor adapted; `.shape` for other sizes.
/// - Source: Keras 3 Normalization.
public final class Normalization: Layer {
  /// The axis that has moments of its own; nil for one pair.
  public let axis: Int?
  /// Whether numbers become what they were.
  public let inverts: Bool
  /// The means, `[n]` or one.
  public let mean = StateTensor.pending()
  /// The variances, `[n]` or one.
  public let variance = StateTensor.pending()
  private let given: (mean: [Double], variance: [Double])?

  /// - `mean`, `variance`: known moments, one or as many as there are places.
  public init(
    axis: Int? = -1, mean: [Double] = [], variance: [Double] = [], inverts: Bool = false
  ) {
    self.axis = axis
    self.inverts = inverts
    given = mean.isEmpty ? nil : (mean, variance)
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    let n = try axis.map { (a) throws(EngineError) in
      try size(of: shape, place(a, rank: shape.rank))
    }
    guard let given else {
      // A file may bring them.
      if mean.value.shape == [0] {
        mean.value = try .zeros(n.map { [$0] } ?? [], dtype: dtype)
        variance.value = try .ones(n.map { [$0] } ?? [], dtype: dtype)
      }
      return
    }
    let counts = [1, n ?? 1]
    guard given.mean.count == given.variance.count, counts.contains(given.mean.count) else {
      throw EngineError(
        .attribute, "moments do not fit the input", expected: "\(n ?? 1) means and variances",
        received: "\(given.mean.count) and \(given.variance.count)")
    }
    func tensor(_ list: [Double]) throws(EngineError) -> Tensor {
      let all = list.count == 1 ? Array(repeating: list[0], count: n ?? 1) : list
      return try Tensor(all).reshape(n.map { [$0] } ?? []).cast(to: dtype)
    }
    mean.value = try tensor(given.mean)
    variance.value = try tensor(given.variance)
  }

  /// Takes the moments of data, forgetting those before.
  ///
  /// Errors: `.shape` for data without samples or of another size.
  public func adapt(
    _ data: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws { try adapting(file, line) { try adapt(to: data) } }

  private func adapt(to data: Tensor) throws {
    guard data.count > 0 else {
      throw EngineError(.shape, "nothing to adapt to", received: "\(data.shape)")
    }
    let x = try data.cast(to: .float64)
    var axes = Array(0..<x.shape.rank)
    if let axis { axes.remove(at: try place(axis, rank: x.shape.rank)) }
    mean.value = try x.mean(axes: axes).cast(to: dtype)
    variance.value = try x.variance(axes: axes).cast(to: dtype)
    if inputShapes != nil { try check(LayerShape(data.shape.array)) }
  }

  private func check(_ shape: LayerShape) throws(EngineError) {
    guard let axis, mean.value.shape != [0] else { return }
    try expect(shape, axis: place(axis, rank: shape.rank), size: mean.value.count)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try check(shape)
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    var (m, v) = (mean.value, variance.value)
    if let axis, m.shape.rank == 1 {
      let at = try place(axis, rank: x.shape.rank)
      let sizes = (0..<x.shape.rank).map { $0 == at ? m.count : 1 }
      (m, v) = (try m.reshape(sizes), try v.reshape(sizes))
    }
    let deviation = try v.squareRoot().maximum(1e-7)
    let y = try x.cast(to: dtype)
    return inverts ? try y * deviation + m : try (y - m) / deviation
  }

  public override var configuration: [(name: String, value: String)] {
    [("axis", axis.map { "\($0)" } ?? "none")]
  }
}
