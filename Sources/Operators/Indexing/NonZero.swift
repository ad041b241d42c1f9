import Graphs
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
    let places = x.dtype == .string ? Self.filled(x) : Self.places(x)
    let rank = x.shape.rank
    let strides = x.shape.strides
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

  private static func filled(_ x: Tensor) -> [Int] {
    (0..<x.count).filter { !x.strings[$0].isEmpty }
  }

  private static func places(_ x: Tensor) -> [Int] {
    let size = x.dtype.byteSize
    // Little-endian: the sign of a floating zero is the top bit of the last byte of each part.
    let isComplex = x.dtype == .complex64 || x.dtype == .complex128
    let part = isComplex ? size / 2 : size
    let isFloat = x.dtype.isFloat || isComplex
    let bytes = x.rawBytes
    var places: [Int] = []
    for i in 0..<x.count {
      var bits: UInt8 = 0
      for j in 0..<size {
        let byte = bytes[i * size + j]
        bits |= isFloat && j % part == part - 1 ? byte & 0x7F : byte
      }
      if bits != 0 { places.append(i) }
    }
    return places
  }
}
