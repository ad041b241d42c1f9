import Graphs
import Kernels
import Tensors

/// All windows along an axis, each on an axis of its own behind all others.
///
/// - `input`: any type, rank 1 to 7. `output`: its type; `dim` becomes the number of windows,
///   `(n - size) / step + 1`, and an axis of `size` is added at the end.
/// - `dim`: default -1; `size`: at least 1; `step`: default 1, at least 1.
/// - Errors: `.attribute`; `.shape` for a window that exceeds its axis.
/// - Source: com.microsoft UnfoldTensor 1.
public struct UnfoldTensor: Operator {
  public let axis: Int
  public let size: Int
  public let step: Int

  public static let schema = Schema(
    "UnfoldTensor", domain: "com.microsoft", versions: [1], inputs: [Parameter("input", .all)],
    outputs: [Parameter("output", .all)],
    attributes: [
      AttributeSpec("dim", .int, "the axis; default -1"),
      AttributeSpec("size", .int, "elements of a window"),
      AttributeSpec("step", .int, "distance of windows; default 1"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 4], (0..<12).map { Float($0) })
      return [
        .init(UnfoldTensor(size: 3), [x]), .init(UnfoldTensor(axis: 0, size: 2, step: 1), [x]),
        .init(UnfoldTensor(size: 1, step: 3), [x]),
      ]
    })

  public init(axis: Int = -1, size: Int, step: Int = 1) {
    self.axis = axis
    self.size = size
    self.step = step
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("dim", default: -1)
    size = try a.int("size")
    step = try a.int("step", default: 1)
    for (name, n) in [("size", size), ("step", step)] where n < 1 || n > Int(Int32.max) {
      throw EngineError(
        .attribute, "attribute '\(name)' is out of range", expected: "1 to \(Int32.max)",
        received: "\(n)")
    }
  }
  public var attributes: [Attribute] {
    [.int("dim", axis), .int("size", size), .int("step", step)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard var dims = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    let at = try normalisedAxis(axis, rank: dims.count, name: "dim")
    if let n = dims[at].known, n < size {
      throw EngineError(
        .shape, "the window exceeds its axis", expected: "at most \(n)", received: "\(size)")
    }
    dims[at] = (dims[at] - Dim(size)) / Dim(step) + 1
    dims.append(Dim(size))
    try checkSizes(dims)
    return [Fact(c.dtype(0), dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    if x.dtype.bits < 8 { return .dynamic }
    let at = try normalisedAxis(axis, rank: x.shape.rank, name: "dim")
    let (outer, n, windows) = (x.shape.count(of: 0..<at), x.shape[at], y.shape[at])
    let inner = x.shape.count(of: at + 1..<x.shape.rank)
    let copy = StridedCopy(
      sizes: [outer, windows, inner, size], sourceStrides: [n * inner, step * inner, 1, inner],
      targetStrides: [windows * inner * size, inner * size, size, 1],
      elementBytes: x.dtype.byteSize, sourceCount: x.count, targetCount: y.count)
    return Prepared(label: "unfold") { m in
      copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool)
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }
}

extension UnfoldTensor {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try scatterBack(b, self, &g)
  }
}
