import Graphs
import Operators
import Tensors
import Testing

/// Indices that only repeat one for all that lies behind the axis, as broadcast ones do, move whole
/// blocks: the results are those of element by element.
@Suite struct RepeatedIndicesTests {
  private let shape: Shape = [2, 4, 3]

  /// Rows of `[2, 3, 3]` indices along axis 1; one that differs within a row where `isMixed`.
  private func indices(_ isMixed: Bool) throws -> (Tensor, [Int]) {
    let rows = [3, 0, -1, 2, 2, -4]
    var list = rows.flatMap { [$0, $0, $0] }
    if isMixed { list[4] = 1 }
    return (try Tensor(shape: [2, 3, 3], list.map { Int64($0) }), list)
  }

  @Test(arguments: [false, true]) func scatter(isMixed: Bool) throws {
    let (places, list) = try indices(isMixed)
    let x = (0..<24).map { Float($0) }
    let updates = (0..<18).map { Float($0 * 7 % 18) + 100 }
    for (reduction, fold) in [
      (.none, { $1 }), (.add, { $0 + $1 }), (.max, { max($0, $1) }),
    ] as [(ScatterReduction, (Float, Float) -> Float)] {
      var want = x
      for (i, index) in list.enumerated() {
        let at = i / 9 * 12 + (index + 4) % 4 * 3 + i % 3
        want[at] = fold(want[at], updates[i])
      }
      let got = try Eager().apply(
        ScatterElements(axis: 1, reduction: reduction), Tensor(shape: shape, x), places,
        Tensor(shape: [2, 3, 3], updates))
      #expect(try got.values(as: Float.self) == want, "\(reduction)")
    }
  }

  @Test(arguments: [false, true]) func gather(isMixed: Bool) throws {
    let (places, list) = try indices(isMixed)
    let x = (0..<24).map { Float($0) }
    let got = try Eager().apply(GatherElements(axis: 1), Tensor(shape: shape, x), places)
    let want = list.enumerated().map { i, index in x[i / 9 * 12 + (index + 4) % 4 * 3 + i % 3] }
    #expect(try got.values(as: Float.self) == want)
  }

  /// Indices shorter than the data behind the axis leave the rest alone.
  @Test func partsOfRows() throws {
    let x = try Tensor(shape: [3, 3], (0..<9).map { Float($0) })
    let places = try Tensor(shape: [2, 2], [2, 2, 0, 0] as [Int64])
    let updates = try Tensor(shape: [2, 2], [10, 11, 12, 13] as [Float])
    let got = try Eager().apply(ScatterElements(), x, places, updates)
    #expect(try got.values(as: Float.self) == [12, 13, 2, 3, 4, 5, 10, 11, 8])
  }

  @Test func outOfRange() throws {
    let x = try Tensor(shape: [3, 2], (0..<6).map { Float($0) })
    let places = try Tensor(shape: [2, 2], [1, 1, 3, 3] as [Int64])
    #expect(throws: EngineError.self) {
      let updates = try Tensor(shape: [2, 2], [1, 2, 3, 4] as [Float])
      return try Eager().apply(ScatterElements(), x, places, updates)
    }
    #expect(throws: EngineError.self) { try Eager().apply(GatherElements(), x, places) }
  }
}
