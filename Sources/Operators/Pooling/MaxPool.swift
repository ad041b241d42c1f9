import Graphs
import Kernels
import Tensors

/// The largest element under a sliding window.
///
/// - `X`: float dtypes, int8 or uint8, `[N, C, D1, ...]`.
/// - Attributes: `kernel_shape`, `strides`, `dilations`, `pads`, `auto_pad`, `ceil_mode` as in
///   `Window`; `storage_order` 1 numbers `Indices` with the first spatial axis fastest.
/// - Outputs: `Y`; `Indices` int64, the place of each in the flattened `X`, first of equals.
/// - Errors: `.shape` for a rank below 3 or a window larger than its padded input; `.attribute`.
/// - Edges: pads never win; NaN does. A window in pads alone gives the lowest value and place -1.
/// - Accuracy: exact.
/// - Source: ONNX MaxPool 1, 8, 10, 11, 12, 22.
public struct MaxPool: Operator {
  public let window: Window
  public let isColumnMajor: Bool

  static let types: DTypes = [.floats, DTypes(.int8, .uint8)]
  public static let schema = Schema(
    "MaxPool", versions: [1, 8, 10, 11, 12, 22], inputs: [Parameter("X", types)],
    outputs: [Parameter("Y", types), .optional("Indices", .int64, "I")],
    attributes: poolSpecs.known(since: ["ceil_mode": 10, "dilations": 10]) + [
      AttributeSpec(
        "storage_order", .int, "1: Indices count the first axis fastest; default 0", since: 8)
    ],
    outputCounts: [1: 1...1, 8: 1...2],
    isDifferentiable: true,
    cases: {
      let x = try poolExample()
      return [
        .init(MaxPool(Window(kernel: [2, 2], strides: [2, 2])), [x]),
        .init(
          MaxPool(Window(kernel: [3, 3], padsBegin: [1, 1], padsEnd: [1, 1])), [x], outputCount: 2),
        .init(MaxPool(Window(kernel: [2, 2], strides: [2, 2], ceilMode: true)), [x]),
      ]
    })

  public init(_ window: Window, isColumnMajor: Bool = false) {
    self.window = window
    self.isColumnMajor = isColumnMajor
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
    isColumnMajor = try a.bool("storage_order", default: false)
  }
  public var attributes: [Attribute] {
    window.attributes + (isColumnMajor ? [.bool("storage_order", true)] : [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dims = try pooledDims(c, window)
    return [Fact(c.dtype(0), dims), Fact(.int64, dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    guard MaxPool.types.contains(x.dtype) else { throw p.noKernel() }
    let kernel = try poolKernel(.max, window, x.shape)
    let dtype = x.dtype
    if p.wants(1) {
      let isColumnMajor = isColumnMajor
      let spare = p.wants(0) ? 0 : try p.output(1).shape.count * dtype.byteSize
      return Prepared(scratchBytes: spare, label: "max pool with places") { m in
        kernel.runWithIndices(
          dtype, m.inputs[0], into: spare > 0 ? m.scratch : m.outputs[0], indices: m.output(1),
          isColumnMajor: isColumnMajor, pool: m.pool)
      }
    }
    return Prepared(label: "max pool") { m in
      kernel.run(dtype, m.inputs[0], into: m.outputs[0], pool: m.pool)
    }
  }
}

extension MaxPool {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard var up = g.upstreams[0] else { return }
    let x = try g.input(0)
    let hasPlaces = g.outputs.count > 1 && !isColumnMajor
    var places =
      hasPlaces ? g.outputs[1] : try b.apply(MaxPool(window), inputs: [x], outputs: 2)[1]
    // A window in pads alone has no place.
    let mayMiss =
      window.ceilMode
      || window.padsBegin.indices.contains { i in
        let extent = (window.kernel[i] - 1) * window.dilation(i) + 1
        return window.padsBegin[i] >= extent || window.padsEnd[i] >= extent
      }
    if mayMiss {
      let none = try b.constant(Tensor(scalar: Int64(0)))
      up = try b.apply(
        Where(), b.apply(Less(), places, none), scalar(b, 0, like: up), up)
      places = try b.apply(Max(), places, none)
    }
    let sum = try b.apply(
      ScatterElements(reduction: .add), reshape(b, zeros(b, like: x), [-1]),
      reshape(b, places, [-1]), reshape(b, up, [-1]))
    g.give(0, try reshape(b, sum, like: x))
  }
}
