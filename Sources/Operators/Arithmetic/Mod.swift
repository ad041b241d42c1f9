import Graphs
import Kernels
import Tensors

/// Remainder: `C = A - floor(A / B) B` with the sign of `B`, or with `fmod` `A - trunc(A / B) B` with
/// the sign of `A`.
///
/// - `A`, `B`: float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64, one type for
///   both; shapes that broadcast together, as NumPy's do.
/// - `fmod`: 1 for the sign of `A`; default 0.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types, `.attribute` for another `fmod`.
/// - Edges: for integers 0 where `B` is 0, about which ONNX says nothing. Floats: NaN where `B` is 0
///   or `A` infinite. Before opset 28 ONNX asks for `fmod` with floats; here both work always.
/// - Gradient: `dC` and `-dC (A - C) / B`, the quotient taken as constant; summed over broadcast
///   axes.
/// - Source: ONNX Mod 10, 13, 28.
public struct Mod: BinaryElementwise {
  public let fmod: Bool

  public static let schema = Schema(
    "Mod", versions: [10, 13, 28],
    inputs: [Parameter("A", .numeric), Parameter("B", .numeric)],
    outputs: [Parameter("C", .numeric)],
    attributes: [AttributeSpec("fmod", .int, "1: the sign of A, 0: of B; default 0")],
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [4.6, -3.75, 5.25, 2.2, -1.25, 0.5] as [Float])
      let row = try Tensor([1.5, 2, -0.7] as [Float])
      let i = try Tensor([-7, 7, 5] as [Int64])
      return [
        .init(Mod(fmod: true), [a, row]), .init(Mod(), [a, row]),
        .init(Mod(), [i, try Tensor([3, -3, 2] as [Int64])]),
        .init(Mod(fmod: true), [i, try Tensor([3, -3, 2] as [Int64])]),
      ]
    })

  public init(fmod: Bool = false) { self.fmod = fmod }
  public init(reading a: AttributeReader) throws(EngineError) {
    let mode = try a.int("fmod", default: 0)
    guard mode == 0 || mode == 1 else {
      throw EngineError(
        .attribute, "attribute 'fmod' has no legal value", expected: "0 or 1", received: "\(mode)")
    }
    fmod = mode == 1
  }
  public var attributes: [Attribute] { fmod ? [.bool("fmod", true)] : [] }

  public var kernel: BinaryOp { fmod ? .fmod : .mod }
  public func integer(_ a: Dim, _ b: Dim) -> Dim? {
    guard let x = a.known, let y = b.known, y != 0, y != -1 else { return nil }
    let r = x % y
    return Dim(!fmod && r != 0 && (r < 0) != (y < 0) ? r + y : r)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), y = try g.input(1), dz = try g.upstream()
    if g.needs(0) { g.give(0, try unbroadcast(b, dz, like: x)) }
    if g.needs(1) {
      // The quotient again, from parts that broadcast alike.
      let quotient = try b.apply(Round(), over(b, minus(b, x, g.output), y))
      g.give(1, try unbroadcast(b, b.apply(Neg(), times(b, dz, quotient)), like: y))
    }
  }
}
