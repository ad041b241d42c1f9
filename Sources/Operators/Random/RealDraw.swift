import Graphs
import Tensors

/// Draws of a distribution over the reals, by Philox, computed in float64 and rounded once.
public protocol RealDraw: Operator {
  /// One seed gives the same draws in each run; nil: other draws in each.
  var seed: Float? { get }
  var distribution: RealDistribution { get }
}

/// What is drawn.
public enum RealDistribution: Sendable {
  /// Lowest value and the distance to the highest.
  case uniform(Double, Double)
  /// Mean and standard deviation.
  case normal(Double, Double)
}

extension RealDraw {
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try Random.fill(p, seed: seed, distribution)
  }
}

/// Draws for a shape that an attribute gives.
public protocol ShapedDraw: RealDraw {
  var shape: [Int] { get }
  var dtype: DType { get }
}

extension ShapedDraw {
  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try Random.check(dtype, .floats)
    return [Fact(TensorType(dtype, try Shape(checking: shape)))]
  }
}

/// Draws in the shape of an input.
public protocol LikeDraw: RealDraw {
  associatedtype Shaped: ShapedDraw
  /// Nil: the input's.
  var dtype: DType? { get }
  /// The same draws for a given shape.
  func shaped(_ shape: [Int], _ dtype: DType) -> Shaped
}

extension LikeDraw {
  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let made = dtype ?? c.dtype(0)
    try Random.check(made, .floats)
    return [Fact(made, c.dims(0))]
  }

  /// Strings have a shape, too.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try e.run(shaped(try e.tensor(0).shape.array, dtype ?? .float32), [])
  }
}
