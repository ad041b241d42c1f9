import Tensors
import Training

/// Cells one behind the other as one cell. States are those of all, in order.
///
/// - Source: Keras 3 StackedRNNCells.
public final class StackedRNNCells: RecurrentCell {
  /// The cells, in order.
  public let cells: [RecurrentCell]

  public init(_ cells: [RecurrentCell]) {
    self.cells = cells
    super.init()
  }

  public override var stateSizes: [Int] { cells.flatMap(\.stateSizes) }
  public override var outputSize: Int { cells.last?.outputSize ?? 0 }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try checked(cells.count, "the number of cells")
    try expect(shapes, count: 1...Int.max)
    var shape = shapes[0]
    for cell in cells { shape = try cell.prepare(for: [shape])[0] }
  }

  public override func begin(_ x: Tensor) throws { for cell in cells { try cell.begin(x) } }

  public override func step(
    _ x: Tensor, _ states: [Tensor]
  ) throws -> (output: Tensor, states: [Tensor]) {
    var (y, rest, next): (Tensor, ArraySlice<Tensor>, [Tensor]) = (x, states[...], [])
    for cell in cells {
      let n = cell.stateSizes.count
      let r = try cell.step(y, Array(rest.prefix(n)))
      rest = rest.dropFirst(n)
      y = r.output
      next += r.states
    }
    return (y, next)
  }
}
