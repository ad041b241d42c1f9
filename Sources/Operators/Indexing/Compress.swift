import Graphs
import Kernels
import Tensors

/// The slices along an axis for which a condition holds.
///
/// - `input`: any dtype of whole bytes, or strings; rank from 1. `condition`: bool `[N]`; slices
///   behind its end are left out.
/// - `axis`: absent: the input is flattened first, and elements are picked.
/// - The output's size depends on data.
/// - Errors: `.value` when the condition holds behind the end of the axis, `.attribute` for `axis`.
/// - Source: ONNX Compress 9, 11, 28.
public struct Compress: Operator {
  public let axis: Int?

  public static let schema = Schema(
    "Compress", versions: [9, 11, 28],
    inputs: [Parameter("input", Expand.types), Parameter("condition", .bool, "T1")],
    outputs: [Parameter("output", Expand.types)],
    attributes: [AttributeSpec("axis", .int, "the axis; default: the flattened input")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 2], (1...6).map { Float($0) })
      let condition = try Tensor([false, true, true])
      return [.init(Compress(axis: 0), [x, condition]), .init(Compress(), [x, condition])]
    })

  public init(axis: Int? = nil) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) { axis = try a.optionalInt("axis") }
  public var attributes: [Attribute] { axis.map { [.int("axis", $0)] } ?? [] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let axis else { return [Fact(c.dtype(0), [c.unknown()])] }
    guard var dims = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    dims[try normalisedAxis(axis, rank: dims.count)] = c.unknown()
    return [Fact(c.dtype(0), dims)]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var x = try e.tensor(0)
    let condition = try e.tensor(1)
    guard condition.shape.rank == 1 else {
      throw EngineError(
        .shape, "the condition is no list", expected: "rank 1", received: "\(condition.type)")
    }
    if axis == nil { x = try x.reshaped([x.count]) }
    let at = try normalisedAxis(axis ?? 0, rank: x.shape.rank)
    // A condition is longer than the axis only where it does not hold there.
    let flags = condition.storage.bytes
    let count = NonZeroPlaces.count(
      flags, count: condition.count, width: 1, parts: 1, ignored: 0)
    let size = x.shape[at]
    if condition.count > size {
      let held = flags.assumingMemoryBound(to: UInt8.self)
      if let behind = (size..<condition.count).first(where: { held[$0] != 0 }) {
        throw EngineError(
          .value, "the condition holds behind the end of axis \(at)",
          expected: "at most \(size) slices", received: "slice \(behind)")
      }
    }
    defer { withExtendedLifetime((condition, x)) {} }
    if x.dtype == .string || x.dtype.isPacked {
      var picked = [Int64](repeating: 0, count: count)
      NonZeroPlaces.write(
        flags, sizes: [condition.count], width: 1, parts: 1, ignored: 0, found: count, to: &picked)
      return try e.run(Gather(axis: at), [.tensor(x), .tensor(try Tensor(picked))])
    }
    var sizes = x.shape.array
    sizes[at] = count
    let out = try e.allocate(TensorType(x.dtype, try Shape(checking: sizes)))
    FlaggedSlices.take(
      to: out.bytes, from: x.storage.bytes, flags: flags.assumingMemoryBound(to: UInt8.self),
      count: min(size, condition.count), kept: count, outer: x.shape.count(of: 0..<at), size: size,
      blockBytes: x.shape.count(of: at + 1..<x.shape.rank) * x.dtype.byteSize)
    return [.tensor(Tensor(out))]
  }
}

extension Compress {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try scatterBack(b, self, &g)
  }
}
