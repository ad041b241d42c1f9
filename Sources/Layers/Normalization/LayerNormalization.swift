import Tensors
import Training

/// Each sample brought to zero mean and unit variance over its last axes, then scaled and shifted.
///
/// - `axis`: the first of the axes, up to the last. - Parameters: `gamma`, `beta` of their sizes.
/// - Source: Keras 3 LayerNormalization, epsilon 1e-3 (torch 1e-5). Ba et al. 2016.
public final class LayerNormalization: Layer {
  /// The axis that it works along.
  public let axis: Int
  /// Added to variances or squares.
  public let epsilon: Double
  /// The scale; nil without.
  public let gamma: Parameter?
  /// The shift; nil without.
  public let beta: Parameter?

  public init(axis: Int = -1, epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true) {
    self.axis = axis
    self.epsilon = epsilon
    gamma = scale ? .pending() : nil
    beta = center ? .pending() : nil
    super.init()
  }

  private func sizes(_ shape: LayerShape) throws(EngineError) -> [Int] {
    var list: [Int] = []
    for i in try place(axis, rank: shape.rank)..<shape.rank { list.append(try size(of: shape, i)) }
    return list
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    let n = try sizes(shape)
    if let gamma { try start(gamma, n, .ones) }
    if let beta { try start(beta, n, .zeros) }
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    let n = try sizes(shape)
    if let known = (gamma ?? beta)?.value.shape.array, known != n {
      throw EngineError(
        .shape, "the last axes have other sizes", expected: "\(known)", received: "\(shape)")
    }
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let at = try place(axis, rank: x.shape.rank)
    let n = (at..<x.shape.rank).map { x.shape[$0] }
    let scale = try gamma?.value ?? .ones(n, dtype: dtype)
    return try x.layerNorm(scale, beta?.value, axis: at, epsilon: Float(epsilon))
  }
}
