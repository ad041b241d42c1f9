import Graphs
import Operators
import Runtime
import Tensors

/// The sum of `x x'` over the rows of a product's input: half the second derivative of the squared
/// error of its output by a column of weights.
final class Hessian: @unchecked Sendable {
  /// `[size, size]`.
  private(set) var sums: [Double] = []
  private(set) var size = 0
  private(set) var rows = 0
  private let session: Session

  /// Bytes that a matrix may take.
  private static let budget = 1 << 30

  init(threads: Int?) throws(EngineError) {
    let builder = GraphBuilder()
    let x = builder.graph.addInput("x", Fact(.float32, [Dim(symbol: "rows"), Dim(symbol: "k")]))
    let y = try builder.apply(MatMul(), try builder.apply(Transpose(perm: [1, 0]), x), x)
    builder.graph.outputs = [y]
    builder.graph.values[y.index].name = "y"
    var model = ModelGraph(builder.graph)
    model.opsets = [("", 17)]
    session = try Session(model, options: .init(threads: threads, planCacheSize: 2))
  }

  /// Errors: `.budget` for inputs too wide.
  func add(_ t: Tensor) throws(EngineError) {
    guard t.dtype == .float32, let width = t.shape.array.last, width > 0, t.count > 0 else {
      return
    }
    if size == 0 {
      let (cells, over) = width.multipliedReportingOverflow(by: width)
      guard !over, cells <= Self.budget / 8 else {
        throw EngineError(
          .budget, "a product's input is too wide for GPTQ", expected: "at most 11585",
          received: "\(width)", hint: "exclude the layer, or leave GPTQ out")
      }
      size = width
      sums = [Double](repeating: 0, count: cells)
    }
    guard width == size else { return }
    let flat = try t.reshaped(try Shape(checking: [t.count / width, width]))
    guard let product = try session.run(["x": flat])[0] else { return }
    for (i, v) in product.elements(Float.self).enumerated() { sums[i] += Double(v) }
    rows += t.count / width
  }
}
