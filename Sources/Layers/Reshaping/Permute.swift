import Tensors
import Training

/// The axes behind the batch in another order: numbers from 1, as in Keras.
///
/// - Errors: `.attribute` where these are not all axes, each once. - Source: Keras 3 Permute.
public final class Permute: Layer {
  /// Numbers of the axes behind the batch, from 1.
  public let order: [Int]

  public init(_ order: [Int]) {
    self.order = order
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    guard order.sorted() == Array(1..<max(shape.rank, 1)) else {
      throw EngineError(
        .attribute, "no order of the axes", expected: "1 to \(shape.rank - 1), each once",
        received: "\(order) for \(shape)")
    }
    return LayerShape([shape[0]] + order.map { shape[$0] })
  }
  public override func forward(_ x: Tensor) throws -> Tensor { try x.transpose([0] + order) }
}
