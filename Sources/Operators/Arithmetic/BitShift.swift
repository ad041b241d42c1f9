import Graphs
import Kernels
import Tensors

/// Shifts the bits of `X` by `Y` places.
///
/// - `X`, `Y`: int8 to int64, uint8 to uint64, one type for both; shapes that broadcast together.
/// - `direction`: LEFT or RIGHT, required. A signed right shift copies the sign.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types, `.attribute` for another direction.
/// - Edges: an amount that is negative or not below the width gives 0, or -1 for a right shift of a
///   negative number.
/// - Source: ONNX BitShift 11, 28.
public struct BitShift: BinaryElementwise {
  public let isLeft: Bool

  public static let schema = Schema(
    "BitShift", versions: [11, 28],
    inputs: [Parameter("X", .ints), Parameter("Y", .ints)], outputs: [Parameter("Z", .ints)],
    attributes: [AttributeSpec("direction", .string, "LEFT or RIGHT; required")],
    cases: {
      let x = try Tensor([1, 200, 7] as [UInt8]), y = try Tensor([1, 3, 9] as [UInt8])
      let s = try Tensor([-5, 9, 7] as [Int32]), t = try Tensor([1, 2, 40] as [Int32])
      return [
        .init(BitShift(isLeft: true), [x, y]), .init(BitShift(isLeft: false), [x, y]),
        .init(BitShift(isLeft: true), [s, t]), .init(BitShift(isLeft: false), [s, t]),
      ]
    })

  public init(isLeft: Bool) { self.isLeft = isLeft }
  public init(reading a: AttributeReader) throws(EngineError) {
    isLeft = try a.string("direction", default: "", oneOf: ["LEFT", "RIGHT"]) == "LEFT"
  }
  public var attributes: [Attribute] { [.string("direction", isLeft ? "LEFT" : "RIGHT")] }

  public var kernel: BinaryOp { isLeft ? .shiftLeft : .shiftRight }
}
