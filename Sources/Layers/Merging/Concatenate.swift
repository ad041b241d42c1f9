import Tensors
import Training

/// The inputs one after another along an axis; all other sizes are equal.
///
/// - Errors: `.arity`, `.shape`. - Source: Keras 3 Concatenate.
public final class Concatenate: Layer {
  /// The axis that it works along.
  public let axis: Int

  public init(axis: Int = -1) {
    self.axis = axis
    super.init()
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    try expect(shapes, count: 1...Int.max)
    var result = shapes[0]
    let at = try place(axis, rank: result.rank)
    for shape in shapes.dropFirst() {
      var rest = shape
      rest[at] = result[at]
      guard rest.fits(result) else {
        throw EngineError(
          .shape, "the inputs differ off axis \(axis)", expected: "equal sizes",
          received: shapes.map { "\($0)" }.joined(separator: ", "))
      }
      let sum: Int? = if let a = result[at], let b = shape[at] { a + b } else { nil }
      for i in 0..<result.rank where result[i] == nil { result[i] = shape[i] }
      result[at] = sum
    }
    return [result]
  }

  public override func forward(all xs: [Tensor]) throws -> Tensor { try concat(xs, axis: axis) }

  /// Masks are joined where steps are; a step of feature-wise joined inputs counts where all do.
  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let y = try forward(all: input.values)
    guard input.masks.contains(where: { $0 != nil }) else { return LayerOutput(y) }
    let masks = try zip(input.values, input.masks).map { x, mask in
      if let mask { return mask }
      let steps = try x.slice(-1, from: 0, to: 1).squeeze([-1])
      return try steps.filledLike(1, dtype: .bool)
    }
    let at = try place(axis, rank: y.shape.rank)
    if at == 1 { return LayerOutput(y, mask: try concat(masks, axis: 1)) }
    let all = try masks.dropFirst().reduce(masks[0]) { try $0.logicalAnd($1) }
    return LayerOutput(y, mask: all)
  }
}
