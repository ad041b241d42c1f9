import Tensors
import Training

/// The largest element or the mean of windows that cut each axis into a wanted number: window `i`
/// of `m` over `n` elements reaches from `floor(i n / m)` to `ceil((i + 1) n / m)`.
///
/// - Input: `[N, C, ...]`, or channels last, spatial sizes known.
/// - Errors: `.shape` where a size is not known; `.attribute`.
public class AdaptivePooling: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Which one of its kinds.
  public let kind: PoolingKind
  /// Where channels stand.
  public let dataFormat: DataFormat
  private let wanted: [Int]

  init(axes: Int, _ kind: PoolingKind, _ sizes: [Int], dataFormat: DataFormat) {
    self.axes = axes
    self.kind = kind
    self.dataFormat = dataFormat
    wanted = sizes
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    let sizes = try checkedSizes(wanted, axes, "the output's size")
    var first = dataFormat.first(shape)
    for i in 0..<axes {
      _ = try size(of: first, i + 2)
      first[i + 2] = sizes[i]
    }
    return dataFormat.own(first)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let sizes = try checkedSizes(wanted, axes, "the output's size")
    var y = try dataFormat.first(x)
    for i in 0..<axes { y = try pooled(y, axis: i + 2, to: sizes[i]) }
    return try dataFormat.own(y)
  }

  /// Windows along one axis. Equal ones are a reshape; others are cut out one by one.
  private func pooled(_ x: Tensor, axis: Int, to m: Int) throws -> Tensor {
    let n = x.shape[axis]
    if n == m { return x }
    if n % m == 0 {
      var sizes = [Int](repeating: 0, count: axis) + [m, n / m]
      // Sizes behind the axis are known: only the batch may vary.
      sizes += (axis + 1..<x.shape.rank).map { x.shape[$0] }
      return try reduced(x.reshape(copying: sizes), axis + 1, keepDims: false)
    }
    var parts: [Tensor] = []
    for i in 0..<m {
      let part = try x.slice(axis, from: i * n / m, to: ((i + 1) * n + m - 1) / m)
      parts.append(try reduced(part, axis, keepDims: true))
    }
    return try concat(parts, axis: axis)
  }

  private func reduced(_ x: Tensor, _ axis: Int, keepDims: Bool) throws -> Tensor {
    switch kind {
    case .max: try x.max(axes: [axis], keepDims: keepDims)
    case .average: try x.mean(axes: [axis], keepDims: keepDims)
    }
  }
}
