import Graphs
import Kernels
import Tensors

/// The gradient of `MaxPool` by its input: what comes from above, added at the largest element of
/// each window, the first of equals.
///
/// - `X`: the input of the pooling, `[N, C, D1, ...]`; `dY`: the gradient by its output. One float
///   dtype.
/// - Attributes: those of `MaxPool`.
/// - Output: the shape of X.
/// - Errors: `.shape` when dY does not have an element for each window; `.attribute`.
/// - Edges: a window in pads alone hands nothing back; NaN is the largest of its window.
/// - Accuracy: float32 sums for types up to 32 bits; the same for any number of threads.
/// - Gradient: from the formula.
/// - Source: domain ai.dlrun 1.
public struct MaxPoolGradient: FormulaGradient {
  public let window: Window

  public static let schema = Schema(
    "MaxPoolGradient", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", .floats), Parameter("dY", .floats)],
    outputs: [Parameter("dX", .floats)], attributes: poolSpecs, isDifferentiable: true,
    cases: {
      let x = try poolExample()
      let padded = Window(kernel: [3, 2], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 0])
      func up(_ sizes: [Int]) throws -> Tensor {
        try Tensor(
          shape: Shape(checking: sizes),
          (0..<sizes.reduce(1, *)).map { Float(($0 * 7) % 18) * 0.25 - 2 })
      }
      return [
        .init(
          MaxPoolGradient(Window(kernel: [2, 2], strides: [2, 2])), [x, try up([1, 2, 2, 3])]),
        .init(MaxPoolGradient(padded), [x, try up([1, 2, 3, 3])]),
      ]
    })

  public init(_ window: Window) { self.window = window }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
  }
  public var attributes: [Attribute] { window.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let want = try pooledDims(c, window), let y = c.dims(1) {
      let fits =
        y.count == want.count
        && zip(y, want).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
      guard fits else {
        throw EngineError(
          .shape, "there is not one element a window", expected: "\(want)", received: "\(y)")
      }
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, dy) = (try p.input(0), try p.input(1))
    guard x.dtype == dy.dtype, x.dtype == .float32 || x.dtype == .float64 else {
      throw p.noKernel()
    }
    let kernel = try poolKernel(.max, window, x.shape)
    let dtype = x.dtype
    return Prepared(label: "max pool gradient") { m in
      kernel.spreadLargest(
        dtype, m.inputs[0], m.inputs[1], into: m.outputs[0], pool: m.pool)
    }
  }

  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], var up = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    var places = try b.apply(MaxPool(window), inputs: [x], outputs: 2)[1]
    // A window in pads alone has no place.
    let mayMiss =
      window.ceilMode
      || window.padsBegin.indices.contains { i in
        let extent = (window.kernel[i] - 1) * window.dilation(i) + 1
        return window.padsBegin[i] >= extent || window.padsEnd[i] >= extent
      }
    if mayMiss {
      let none = try b.constant(Tensor(scalar: Int64(0)))
      up = try b.apply(Where(), b.apply(Less(), places, none), scalar(b, 0, like: up), up)
      places = try b.apply(Max(), places, none)
    }
    let sum = try b.apply(
      ScatterElements(reduction: .add), reshape(b, zeros(b, like: x), [-1]),
      reshape(b, places, [-1]), reshape(b, up, [-1]))
    return Few(try reshape(b, sum, like: x))
  }
}
