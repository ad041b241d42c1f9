import Graphs
import Kernels
import Tensors

/// A new axis of `depth` elements, all off but the one at the index.
///
/// - Formula, for axis -1: `output[i..., d] = d == indices[i...] ? values[1] : values[0]`.
/// - `indices`: any real numeric dtype, any shape; fractions are cut off, negative ones count from
///   the end, those outside -depth..<depth leave everything off. `depth`: one number. `values`:
///   `[off, on]`, any dtype of whole bytes, or strings.
/// - `axis`: place of the new axis in the result; default -1, the last.
/// - Errors: `.value` for a negative depth or none, `.shape` when `values` has not two elements,
///   `.attribute` for `axis`.
/// - Source: ONNX OneHot 9, 11 (negative indices), 28.
public struct OneHot: Operator {
  public let axis: Int

  static let numbers: DTypes = [.ints, DTypes(.float16, .float32, .float64)]

  public static let schema = Schema(
    "OneHot", versions: [9, 11, 28],
    inputs: [
      Parameter("indices", numbers, "T1"), Parameter("depth", numbers, "T2", shape: true),
      Parameter("values", Expand.types, "T3"),
    ],
    outputs: [Parameter("output", Expand.types, "T3")],
    attributes: [AttributeSpec("axis", .int, "place of the new axis; default -1")],
    isDifferentiable: true,
    cases: {
      let i = try Tensor(shape: [2, 2], [0, -1, 2, 7] as [Int64])
      let depth = try Tensor(scalar: 3 as Int64)
      let values = try Tensor([-0.5, 2] as [Float])
      return [.init(OneHot(), [i, depth, values]), .init(OneHot(axis: 1), [i, depth, values])]
    })

  public init(axis: Int = -1) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: -1)
  }
  public var attributes: [Attribute] { [.int("axis", axis)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let values = c.dims(2), values.count != 1 || (values[0].known ?? 2) != 2 {
      throw EngineError(.shape, "values is not [off, on]", received: "\(values)")
    }
    guard let i = c.dims(0) else { return [Fact(c.dtype(2), nil)] }
    let at = try normalisedAxis(axis, rank: i.count + 1)
    var dims = i
    if let t = c.constant(1) {
      guard t.count == 1, let depth = number(t.storage.bytes, 0, t.dtype), depth >= 0 else {
        throw EngineError(
          .value, "depth is no number of classes", expected: "one number from 0",
          received: "\(t.type)")
      }
      dims.insert(Dim(depth), at: at)
    } else {
      dims.insert(c.elements(1)?.first ?? c.unknown(), at: at)
    }
    try checkSizes(dims)
    return [Fact(c.dtype(2), dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (i, y) = (try p.input(0), try p.output(0))
    let at = try normalisedAxis(axis, rank: y.shape.rank)
    let depth = y.shape[at]
    let inner = y.shape.count(of: at + 1..<y.shape.rank)
    let outer = y.shape.count(of: 0..<at)
    let size = y.dtype.byteSize
    return Prepared { m in
      let to = m.outputs[0]
      let on = m.inputs[2] + size
      Blocks.fill(to, with: m.inputs[2], count: outer * depth * inner, elementBytes: size)
      for a in 0..<outer {
        for b in 0..<inner {
          guard var index = number(m.inputs[0], a &* inner &+ b, i.dtype) else { continue }
          if index < 0 { index &+= depth }
          if index < 0 || index >= depth { continue }
          (to + ((a &* depth &+ index) &* inner &+ b) &* size)
            .copyMemory(from: on, byteCount: size)
        }
      }
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e, data: [2])
  }
}

/// Element `i` as an integer, fractions cut off; nil where it is none or too large.
private func number(_ memory: UnsafeRawPointer, _ i: Int, _ dtype: DType) -> Int? {
  func load<T: BitwiseCopyable>(_: T.Type) -> T { memory.assumingMemoryBound(to: T.self)[i] }
  switch dtype {
  case .int8: return Int(load(Int8.self))
  case .int16: return Int(load(Int16.self))
  case .int32: return Int(load(Int32.self))
  case .int64: return Int(load(Int64.self))
  case .uint8: return Int(load(UInt8.self))
  case .uint16: return Int(load(UInt16.self))
  case .uint32: return Int(load(UInt32.self))
  case .uint64: return Int(exactly: load(UInt64.self))
  case .float16: return Int(exactly: load(Float16.self).rounded(.towardZero))
  case .float32: return Int(exactly: load(Float.self).rounded(.towardZero))
  case .float64: return Int(exactly: load(Double.self).rounded(.towardZero))
  default: return nil
  }
}

extension OneHot {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    // By the values alone: how often each of them stands in the result, weighed by the upstream.
    guard g.needs(2) else { return }
    let up = try g.upstream()
    let marks = try b.apply(CastLike(), b.constant(Tensor([0, 1] as [Float])), up)
    let isOn = try b.apply(self, g.input(0), g.input(1), marks)
    let all = Array(0..<(try knownRank(b, up)))
    let on = try sum(b, times(b, up, isOn), all, keepDims: false)
    let off = try minus(b, sum(b, up, all, keepDims: false), on)
    let parts = [try reshape(b, off, [1]), try reshape(b, on, [1])]
    g.give(2, try b.apply(Concat(axis: 0), inputs: parts))
  }
}
