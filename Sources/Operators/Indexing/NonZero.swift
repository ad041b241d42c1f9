import Graphs
import Kernels
import Tensors

/// The places of all elements that are not zero, in row-major order: int64 `[rank, N]`.
///
/// - `X`: any numeric dtype, bool, complex or string, any shape; NaN is not zero, and an empty string
///   is. Of a scalar there are no places: `[0, N]`, N 0 or 1.
/// - The output's size depends on data: the operator runs at once, into memory of its own.
/// - Source: ONNX NonZero 9, 13.
public struct NonZero: Operator {
  public static let schema = Schema(
    "NonZero", versions: [9, 13],
    inputs: [Parameter("X", [.numeric, .bool, .complex, .string])],
    outputs: [Parameter("Y", .int64, "")],
    cases: { [.init(NonZero(), [try Tensor(shape: [2, 2], [1, 0, 3, 4] as [Float])])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.int64, c.rank(0).map { [Dim($0), c.unknown()] })]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    if x.dtype == .string { return try [.tensor(filled(x))] }
    let isComplex = x.dtype == .complex64 || x.dtype == .complex128
    let (width, parts) = (x.dtype.byteSize, isComplex ? 2 : 1)
    let sign: UInt64 = x.dtype.isFloat || isComplex ? 1 << UInt64(width / parts * 8 - 1) : 0
    let found = NonZeroPlaces.count(
      x.storage.bytes, count: x.count, width: width, parts: parts, ignored: sign)
    let out = try e.allocate(TensorType(.int64, [x.shape.rank, found]))
    NonZeroPlaces.write(
      x.storage.bytes, sizes: x.shape.array, width: width, parts: parts, ignored: sign,
      found: found, to: out.bytes.assumingMemoryBound(to: Int64.self))
    withExtendedLifetime(x) {}
    return [.tensor(Tensor(out))]
  }

  private func filled(_ x: Tensor) throws(EngineError) -> Tensor {
    let places = (0..<x.count).filter { !x.strings[$0].isEmpty }
    let (sizes, strides) = (x.shape.array, x.shape.strides)
    let list = sizes.indices.flatMap { axis in
      places.map { Int64($0 / strides[axis] % sizes[axis]) }
    }
    return try Tensor(shape: [sizes.count, places.count], list)
  }
}
