import Graphs
import Kernels
import Tensors

/// Features shifted and scaled: `Y = (X - offset) * scale`, in float32.
///
/// - `X`: float32, float64, int32 or int64, `[N, F]` or `[F]`; also more axes, the last one holding
///   the features. `Y`: float32 of X's shape. float64 is computed in float64 and rounded once;
///   integers are rounded to float32 first.
/// - `offset`, `scale`: one value for all or one a feature, both alike in number; where one of them
///   is missing, 0 and 1.
/// - Errors: `.attribute` when they differ in length or have neither 1 nor F values.
/// - Source: ai.onnx.ml Scaler 1.
public struct Scaler: Operator {
  public let offset: [Float]
  public let scale: [Float]

  public static let schema = Schema(
    "Scaler", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", Classical.numbers)],
    outputs: [Parameter("Y", DTypes(.float32), "")],
    attributes: [
      AttributeSpec("offset", .floats, "taken off first: 1 or F; default 0"),
      AttributeSpec("scale", .floats, "multiplied by then: 1 or F; default 1"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      return [
        .init(try Scaler(offset: [1, -2, 3], scale: [0.5, 2, -1]), [x]),
        .init(try Scaler(offset: [1], scale: [0.25]), [x]),
      ]
    })

  public init(offset: [Float], scale: [Float]) throws(EngineError) {
    self.offset = offset
    self.scale = scale
    guard offset.count == scale.count || offset.isEmpty || scale.isEmpty else {
      throw EngineError(
        .attribute, "offset and scale differ in length", expected: "\(scale.count)",
        received: "\(offset.count)")
    }
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(
      offset: a.floats("offset", default: []), scale: a.floats("scale", default: []))
  }
  public var attributes: [Attribute] {
    (offset.isEmpty ? [] : [.floats("offset", offset)])
      + (scale.isEmpty ? [] : [.floats("scale", scale)])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let count = max(offset.count, scale.count)
    if count > 1, let dims = c.dims(0), let features = dims.isEmpty ? 1 : dims.last?.known,
      features != count
    {
      throw EngineError(
        .attribute, "offset and scale do not fit the features", expected: "1 or \(features) values",
        received: "\(count)")
    }
    return [Fact(.float32, c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let period = max(1, offset.count, scale.count)
    // Whole periods, enough of them to keep vectors busy.
    let block = period * max(1, 4096 / period)
    let shift = try Tensor((0..<block).map { offset.isEmpty ? 0 : offset[$0 % period] })
    let factor = try Tensor((0..<block).map { scale.isEmpty ? 1 : scale[$0 % period] })
    let count = x.count
    if x.dtype == .float64 {
      return Prepared { m in
        let (x, y) = (m.input(0, Double.self), m.output(0, Float.self))
        let a = shift.storage.bytes.assumingMemoryBound(to: Float.self)
        let b = factor.storage.bytes.assumingMemoryBound(to: Float.self)
        m.pool.run((count + block - 1) / block) { piece in
          let at = piece * block
          for i in 0..<min(block, count - at) {
            y[at + i] = Float((x[at + i] - Double(a[i])) * Double(b[i]))
          }
        }
      }
    }
    guard let sub = BinaryKernel(.sub, .float32), let mul = BinaryKernel(.mul, .float32) else {
      throw p.noKernel()
    }
    let isFloat = x.dtype == .float32
    let cast = isFloat ? nil : CastKernel(x.dtype, .float32)
    guard isFloat || cast != nil else { throw p.noKernel() }
    let bytes = x.dtype.byteSize
    return Prepared(inPlace: isFloat ? 1 : 0, label: "scale") { m in
      let (from, y) = (m.inputs[0], m.output(0, Float.self))
      m.pool.run((count + block - 1) / block) { piece in
        let at = piece * block
        let n = min(block, count - at)
        let out = UnsafeMutableRawPointer(y + at)
        cast?.run(count: n, from + at * bytes, out)
        sub.run(
          count: n, isFloat ? UnsafeRawPointer(from + at * bytes) : UnsafeRawPointer(out),
          UnsafeRawPointer(shift.storage.bytes), out)
        mul.run(count: n, UnsafeRawPointer(out), UnsafeRawPointer(factor.storage.bytes), out)
      }
    }
  }
}

extension Scaler {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard g.needs(0) else { return }
    let x = try g.input(0)
    var part = try g.upstream()
    if !scale.isEmpty { part = try times(b, part, b.constant(Tensor(scale))) }
    g.give(0, try cast(b, part, like: x))
  }
}
