import Tensors
import Training

/// Each sample brought to root mean square 1 over its last axes, then scaled.
///
/// - `axis`: the first of the axes, up to the last. - Parameter: `gamma` of their sizes.
/// - Source: Keras 3 RMSNormalization, epsilon 1e-6. Zhang and Sennrich 2019.
public final class RMSNormalization: Layer {
  /// The axis that it works along.
  public let axis: Int
  /// Added to variances or squares.
  public let epsilon: Double
  /// The scale; nil without.
  public let gamma = Parameter.pending()

  public init(axis: Int = -1, epsilon: Double = 1e-6) {
    self.axis = axis
    self.epsilon = epsilon
    super.init()
  }

  private func sizes(_ shape: LayerShape) throws(EngineError) -> [Int] {
    var list: [Int] = []
    for i in try place(axis, rank: shape.rank)..<shape.rank { list.append(try size(of: shape, i)) }
    return list
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try start(gamma, sizes(shape), .ones)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    let n = try sizes(shape)
    guard gamma.value.shape.array == n else {
      throw EngineError(
        .shape, "the last axes have other sizes", expected: "\(gamma.value.shape)",
        received: "\(shape)")
    }
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    try x.rmsNorm(
      gamma.value, axis: place(axis, rank: x.shape.rank), epsilon: Float(epsilon))
  }
}
