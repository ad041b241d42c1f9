import Graphs
import Kernels
import Tensors

/// Each element added to all that lie under its window: `WindowSum` transposed.
///
/// - `Y`: float dtypes, `[N, C, O1, ...]`. `X`: `[N, C, D1, ...]`, over which the window slid; only
///   its shape is read.
/// - Attributes: those of `WindowSum`.
/// - Output: the shape of X.
/// - Errors: `.shape` when Y does not have an element for each window; `.attribute`.
/// - Accuracy: as `WindowSum`.
/// - Gradient: `WindowSum`.
/// - Source: domain ai.dlrun 1.
public struct WindowSpread: Operator {
  public let window: Window

  public static let schema = Schema(
    "WindowSpread", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("Y", .floats), Parameter("X", .all, "")],
    outputs: [Parameter("dX", .floats)], attributes: poolSpecs, isDifferentiable: true,
    cases: {
      let y = try Tensor(shape: [1, 2, 3, 3], (0..<18).map { Float(($0 * 7) % 18) * 0.25 - 2 })
      let padded = Window(kernel: [3, 2], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 0])
      return [.init(WindowSpread(padded), [y, try poolExample()])]
    })

  public init(_ window: Window) { self.window = window }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
  }
  public var attributes: [Attribute] { window.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(1) {
      guard x.count >= 3 else { throw poolRank("\(x)") }
      let want = Array(x[..<2]) + (try window.outputDims(input: Array(x[2...])))
      if let y = c.dims(0) {
        let fits =
          y.count == want.count
          && zip(y, want).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
        guard fits else {
          throw EngineError(
            .shape, "there is not one element a window", expected: "\(want)", received: "\(y)")
        }
      }
    }
    return [Fact(c.dtype(0), c.dims(1))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try windowSum(p, window, try p.output(0).shape, spreads: true)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(0, try b.apply(WindowSum(window), g.upstream()))
  }
}
