import Tensors
import Training

/// Products of two inputs summed over an axis of each.
///
/// - `axes`: one of each input, not the first. `[N, a, b]` and `[N, c, b]` over their last ones
///   give `[N, a, c]`; two matrices `[N, a]` give `[N, 1]`. - `normalizes`: whether vectors are
///   brought to length 1 before. - Errors: `.arity`, `.shape`. - Source: Keras 3 Dot.
public final class Dot: Layer {
  /// The number of spatial axes.
  public let axes: (Int, Int)
  /// Whether vectors are brought to length 1 before.
  public let normalizes: Bool

  public init(axes: (Int, Int), normalizes: Bool = false) {
    self.axes = axes
    self.normalizes = normalizes
    super.init()
  }
  public convenience init(axis: Int = -1, normalizes: Bool = false) {
    self.init(axes: (axis, axis), normalizes: normalizes)
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    try expect(shapes, count: 2...2)
    let (a, b) = (try place(axes.0, rank: shapes[0].rank), try place(axes.1, rank: shapes[1].rank))
    try expect(shapes[0], rank: 2...3, "the first input")
    try expect(shapes[1], rank: 2...3, "the second input")
    guard a > 0, b > 0 else {
      throw EngineError(.attribute, "the batch axis is not summed over", received: "\(axes)")
    }
    if let n = shapes[0][a], let m = shapes[1][b], n != m {
      throw EngineError(
        .shape, "the axes that are summed over differ", expected: "\(n)",
        received: "\(m) in \(shapes[1])")
    }
    var sizes: [Int?] = [shapes[0][0]]
    for i in 1..<shapes[0].rank where i != a { sizes.append(shapes[0][i]) }
    for i in 1..<shapes[1].rank where i != b { sizes.append(shapes[1][i]) }
    return [LayerShape(sizes.count == 1 ? sizes + [1] : sizes)]
  }

  public override func forward(all xs: [Tensor]) throws -> Tensor {
    try expect(xs.map { LayerShape($0.shape.array) }, count: 2...2)
    var list: [Tensor] = []
    for (x, axis) in zip(xs, [axes.0, axes.1]) {
      let at = try place(axis, rank: x.shape.rank)
      var y = x
      if normalizes {
        y = try y / y.sumOfSquares(axes: [at], keepDims: true).maximum(1e-12).squareRoot()
      }
      y = try y.moveAxis(at, to: -1)
      list.append(y.shape.rank == 2 ? try y.expandDims(at: 1) : y)
    }
    let y = try list[0].matmul(list[1].swapAxes(1, 2))
    // Axes that were added go again.
    let added = [xs[0].shape.rank == 2 ? 1 : 0, xs[1].shape.rank == 2 ? 2 : 0].filter { $0 > 0 }
    return added.count == 2 ? try y.squeeze([1]) : added.isEmpty ? y : try y.squeeze(added)
  }
}
