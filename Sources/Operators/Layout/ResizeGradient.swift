import Graphs
import Kernels
import Tensors

/// The gradient of `Resize` by its input: each element of the upstream handed back to the elements
/// that it was a weighted sum of, with the same weights.
///
/// - `dY`: float dtypes, of the shape of Resize's output. `X`: its input, of which only the shape is
///   read. `roi`, `scales`, `sizes`: as of Resize.
/// - Attributes: those of Resize; `legacy` 1: its form of opset 10; `fixed_scales`: Upsample's.
/// - Output: the shape of X.
/// - Errors: those of Resize.
/// - Accuracy: as of Resize.
/// - Gradient: Resize without an extrapolation value.
/// - Source: domain ai.dlrun 1; Resize transposed.
public struct ResizeGradient: Operator {
  public let resize: Resize

  public static let schema = Schema(
    "ResizeGradient", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("dY", .floats), Parameter("X", .all, ""),
      .optional("roi", DTypes(.float16, .float32, .float64), "T2", shape: true),
      .optional("scales", DTypes(.float32), "", shape: true),
      .optional("sizes", .int64, "", shape: true),
    ],
    outputs: [Parameter("dX", .floats)],
    attributes: Resize.schema.attributes.map { AttributeSpec($0.name, $0.kind, $0.doc) } + [
      AttributeSpec("legacy", .int, "1: the form of opset 10; default 0"),
      AttributeSpec("fixed_scales", .floats, "scales that are no input"),
    ], isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 3, 4], (1...24).map { Float($0) })
      let dy = try Tensor(shape: [1, 2, 5, 3], (0..<30).map { Float(($0 * 7) % 30) * 0.2 - 3 })
      let sizes = try Tensor([1, 2, 5, 3] as [Int64])
      return [
        .init(ResizeGradient(Resize(mode: .linear)), [dy, x, nil, nil, sizes]),
        .init(
          ResizeGradient(Resize(mode: .cubic, antialias: true)), [dy, x, nil, nil, sizes]),
        .init(ResizeGradient(Resize()), [dy, x, nil, nil, sizes]),
      ]
    })

  public init(_ resize: Resize) { self.resize = resize }
  public init(reading a: AttributeReader) throws(EngineError) {
    var op = try Resize(reading: a, isLegacy: a.bool("legacy", default: false))
    if a.has("fixed_scales") { op.fixedScales = try a.floats("fixed_scales", default: []) }
    resize = op
  }
  public var attributes: [Attribute] {
    resize.attributes + (resize.isLegacy ? [.bool("legacy", true)] : [])
      + (resize.fixedScales.map { [.floats("fixed_scales", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(0), c.dims(1))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (dy, x) = (try p.input(0), try p.output(0))
    guard dy.dtype == .float32 || dy.dtype == .float64 else { throw p.noKernel() }
    // As if Resize were to be prepared, whose inputs of the old form stand elsewhere.
    func arranged<T>(_ list: [T?], _ first: T?) -> [T?] {
      let at = { (i: Int) -> T? in i < list.count ? list[i] : nil }
      return resize.isLegacy ? [first, at(3)] : [first, at(2), at(3), at(4)]
    }
    let forward = Preparation(
      inputs: arranged(p.inputs, TensorType(dy.dtype, x.shape)), outputs: [dy],
      constants: arranged(p.constants, nil), options: p.options, store: p.store)
    let axes = try resize.plan(forward).filter { !$0.isIdentity }
    if x.count == 0 || dy.count == 0 || axes.isEmpty {
      return axes.isEmpty && dy.count == x.count
        ? Prepared(label: "copy") { m in
          m.outputs[0].copyMemory(from: m.inputs[0], byteCount: x.byteCount)
        }
        : Prepared { m in
          m.outputs[0].initializeMemory(as: UInt8.self, repeating: 0, count: x.byteCount)
        }
    }
    let passes = axes.sorted { $0.output * $1.input > $1.output * $0.input }
    let resampler = Resampler(
      shape: dy.shape.array,
      axes: passes.map {
        $0.transposed(
          $0.weights(of: resize), outside: resize.coordinates == .cropAndResize ? $0.outside() : [])
      }, dtype: dy.dtype, threads: p.options.threads)
    return Prepared(scratchBytes: resampler.scratchBytes, label: "resize gradient") { m in
      resampler.run(to: m.outputs[0], from: m.inputs[0], scratch: m.scratch, pool: m.pool)
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    var op = resize
    op.extrapolation = 0
    let rest = (2..<5).map { g.has($0) ? g.inputs[$0] : nil as B.Value? }
    let inputs = op.isLegacy ? [try g.upstream(), rest[1]] : [try g.upstream()] + rest
    let y = try b.apply(op, inputs: inputs)
    // Places beyond the region are no sums of elements.
    g.give(0, y)
  }
}

extension ResizeAxis {
  /// What each element of the result is a weighted sum of.
  fileprivate func weights(of op: Resize) -> AxisResampling {
    if op.mode == .nearest {
      return AxisResampling(
        axis: axis, size: output, taps: 1, indices: nearest(op.rounding).map { Int32($0) },
        weights: [Double](repeating: 1, count: output))
    }
    return resampling(
      cubic: op.mode == .cubic ? Double(op.cubicA) : nil, antialias: op.antialias,
      excludeOutside: op.excludesOutside)
  }

  /// The same weights from results to elements; none for the results in `outside`.
  fileprivate func transposed(_ a: AxisResampling, outside: [Int]) -> AxisResampling {
    let skipped = Set(outside)
    var lists = [[(Int32, Double)]](repeating: [], count: input)
    for i in 0..<a.size where !skipped.contains(i) {
      for t in 0..<a.taps where a.weights[i * a.taps + t] != 0 {
        lists[Int(a.indices[i * a.taps + t])].append((Int32(i), a.weights[i * a.taps + t]))
      }
    }
    let taps = max(1, lists.map(\.count).max() ?? 1)
    var indices: [Int32] = []
    var weights: [Double] = []
    for list in lists {
      for t in 0..<taps {
        indices.append(t < list.count ? list[t].0 : 0)
        weights.append(t < list.count ? list[t].1 : 0)
      }
    }
    return AxisResampling(
      axis: axis, size: input, taps: taps, indices: indices, weights: weights)
  }
}
