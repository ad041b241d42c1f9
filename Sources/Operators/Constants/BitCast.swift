import Graphs
import Kernels
import Tensors

/// The same bits as elements of another type of as many bits: memory is shared.
///
/// - `input`: every dtype but string, any shape. Output: the dtype `to`, the same shape.
/// - `to`: the target's number in ONNX's list of types; required.
/// - Errors: `.attribute` for a type of another width, or string.
/// - Edges: a bool made of bits other than 0 and 1 keeps them.
/// - Source: ONNX BitCast 26.
public struct BitCast: Operator {
  public let to: DType

  static let types: DTypes = [.numeric, .bool, .complex, .float8s, .packed]

  public static let schema = Schema(
    "BitCast", versions: [26], inputs: [Parameter("input", types, "T1")],
    outputs: [Parameter("output", types, "T2")],
    attributes: [AttributeSpec("to", .int, "the target's type number; required")],
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [
        .init(BitCast(to: .int32), [x]), .init(BitCast(to: .float32), [x]),
        .init(BitCast(to: .int8), [try Tensor([1, 200, 3] as [UInt8])]),
      ]
    })

  public init(to: DType) { self.to = to }
  public init(reading a: AttributeReader) throws(EngineError) {
    _ = try a.int("to")
    to = try a.dtype("to", default: .float32)
    guard to != .string else {
      throw EngineError(.attribute, "strings have no bits to share", received: "\(to)")
    }
  }
  public var attributes: [Attribute] { [.dtype("to", to)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let from = c.dtype(0), from.bits != to.bits {
      throw EngineError(
        .attribute, "attribute 'to' names a type of another width",
        expected: "\(from.bits) bits, as \(from) has", received: "\(to) of \(to.bits) bits")
    }
    return [Fact(to, c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .view }
}
