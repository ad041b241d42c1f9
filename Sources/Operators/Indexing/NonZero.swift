import Graphs
import Tensors

/// The places of all elements that are not zero, in row-major order: int64 `[rank, N]`.
///
/// - `X`: any numeric dtype or bool, any shape; NaN is not zero. A scalar counts as one
///   axis of size 1.
/// - The output's size depends on data: the operator runs at once, into memory of its own.
/// - Source: ONNX NonZero 9, 13.
public struct NonZero: Operator {
  public static let schema = Schema(
    "NonZero", versions: [9, 13],
    inputs: [Parameter("X", [.numeric, .bool])], outputs: [Parameter("Y", .int64, "")],
    cases: { [.init(NonZero(), [try Tensor(shape: [2, 2], [1, 0, 3, 4] as [Float])])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.int64, c.rank(0).map { [Dim(max($0, 1)), c.unknown()] })]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    let size = x.dtype.byteSize
    let isFloat = x.dtype.isFloat
    let bytes = x.rawBytes
    var places: [Int] = []
    for i in 0..<x.count {
      // Little-endian: the sign of a floating zero is the top bit of the last byte.
      var bits: UInt8 = 0
      for j in 0..<size {
        let byte = bytes[i * size + j]
        bits |= isFloat && j == size - 1 ? byte & 0x7F : byte
      }
      if bits != 0 { places.append(i) }
    }
    let rank = max(x.shape.rank, 1)
    let strides = x.shape.rank == 0 ? [1] : x.shape.strides
    let out = try e.allocate(TensorType(.int64, [rank, places.count]))
    let y = out.bytes.assumingMemoryBound(to: Int64.self)
    for (column, place) in places.enumerated() {
      var rest = place
      for axis in 0..<rank {
        y[axis * places.count + column] = Int64(rest / strides[axis])
        rest %= strides[axis]
      }
    }
    return [.tensor(Tensor(out))]
  }
}
