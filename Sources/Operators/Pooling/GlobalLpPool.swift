import Graphs
import Kernels
import Tensors

/// The Lp norm of each channel: `y = (sum |x|^p)^(1/p)` over all spatial axes.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`. `Y`: `[N, C, 1, ...]`.
/// - `p`: default 2, at least 1.
/// - Errors: `.shape` for a rank below 2; `.attribute` for `p`.
/// - Edges: without elements the result is 0.
/// - Source: ONNX GlobalLpPool 1, 2, 22.
public struct GlobalLpPool: GlobalPooling, FormulaGradient {
  public let p: Int

  public static let schema = Schema(
    "GlobalLpPool", versions: [1, 2, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: normOrderSpecs,
    isDifferentiable: true,
    cases: {
      [
        .init(GlobalLpPool(), [try poolExample()]),
        .init(GlobalLpPool(p: 3), [try poolExample()]),
      ]
    })

  public init(p: Int = 2) { self.p = p }
  public init(reading a: AttributeReader) throws(EngineError) { p = try normOrder(a) }
  public var attributes: [Attribute] { p == 2 ? [] : [.int("p", p)] }
  public var kind: PoolKernel.Kind { .norm(p: p) }
}

extension GlobalLpPool {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    let axes = Array(2..<max(2, try knownRank(b, x)))
    let size = try p % 2 == 0 ? x : b.apply(Abs(), x)
    if p == 1 { return Few(try sum(b, size, axes)) }
    let total = try sum(b, power(b, size, Double(p)), axes)
    let root = try power(b, nonzero(b, total), 1 / Double(p))
    return Few(try masked(b, root, where: isGreater(b, total, 0)))
  }
}
