import Tensors
import Training

/// What layers that join inputs element by element share: shapes broadcast, ranks alike or with
/// missing axes behind the batch.
///
/// - Errors: `.arity` for fewer than two inputs; `.shape` that lists all of them.
public class Merge: Layer {
  /// How many inputs it takes.
  var counts: ClosedRange<Int> { 2...Int.max }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    try expect(shapes, count: counts)
    var result = shapes[0]
    for shape in shapes.dropFirst() {
      let rank = max(result.rank, shape.rank)
      var sizes: [Int?] = []
      for i in 0..<rank {
        let a = i == 0 ? result[0] : axis(result, i, rank)
        let b = i == 0 ? shape[0] : axis(shape, i, rank)
        switch (a, b) {
        case (1?, let n), (let n, 1?): sizes.append(n)
        case (nil, let n), (let n, nil): sizes.append(n)
        case (let n?, let m?):
          guard n == m else {
            throw EngineError(
              .shape, "the inputs do not fit each other", expected: "sizes that are equal or 1",
              received: shapes.map { "\($0)" }.joined(separator: ", "))
          }
          sizes.append(n)
        }
      }
      result = LayerShape(sizes)
    }
    return [result]
  }

  /// The size of axis `i` of `rank`; shapes of lower rank lack axes behind the batch.
  private func axis(_ shape: LayerShape, _ i: Int, _ rank: Int) -> Int? {
    let j = i - (rank - shape.rank)
    return j < 1 ? 1 : shape[j]
  }

  /// The inputs with the same rank.
  func aligned(_ xs: [Tensor]) throws -> [Tensor] {
    let rank = xs.map(\.shape.rank).max() ?? 0
    return try xs.map { x in
      guard x.shape.rank < rank else { return x }
      return try x.unsqueeze(Array(1...rank - x.shape.rank))
    }
  }

  /// Joins tensors of one rank. Overridden.
  func merge(_ xs: [Tensor]) throws -> Tensor { xs[0] }

  public override func forward(all xs: [Tensor]) throws -> Tensor {
    try expect(xs.map { LayerShape($0.shape.array) }, count: counts)
    return try merge(aligned(xs))
  }

  /// A step counts where it does in every input that has a mask.
  public override func run(_ input: LayerInput) throws -> LayerOutput {
    var mask: Tensor?
    for case let next? in input.masks { mask = try mask.map { try $0.logicalAnd(next) } ?? next }
    return LayerOutput(try forward(all: input.values), mask: mask)
  }
}
