import Tensors
import Training

/// The same elements of each sample under other sizes, of which one may be -1 and is found out.
///
/// - Errors: `.shape` where the number of elements differs. - Source: Keras 3 Reshape.
public final class Reshape: Layer {
  /// Sizes behind the batch.
  public let sizes: [Int]

  public init(_ sizes: [Int]) {
    self.sizes = sizes
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    let open = sizes.filter { $0 == -1 }.count
    guard open <= 1, sizes.allSatisfy({ $0 >= -1 }) else {
      throw EngineError(
        .attribute, "sizes to reshape to", expected: "numbers from 0, and at most one -1",
        received: "\(sizes)")
    }
    let known = sizes.filter { $0 != -1 }.reduce(1, *)
    guard let n = shape.elementsPerSample else {
      return LayerShape(batchOf: sizes.map { $0 == -1 ? nil : $0 })
    }
    guard open == 0 ? known == n : known > 0 && n % known == 0 else {
      throw EngineError(
        .shape, "a sample of \(n) elements cannot become \(sizes)",
        expected: "as many elements", received: "\(shape)")
    }
    return LayerShape([shape[0]] + sizes.map { $0 == -1 ? n / known : $0 })
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    // The first axis is copied, so that the batch may have any size.
    if sizes.contains(0) { return try x.reshape([x.shape[0]] + sizes) }
    return try x.reshape(copying: [0] + sizes)
  }
  public override var configuration: [(name: String, value: String)] { [("sizes", "\(sizes)")] }
}
