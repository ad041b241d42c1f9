import Graphs
import Kernels
import Tensors

/// Blocks of the image rearranged into channels: `[N, C, H, W]` to `[N, C * B^2, H / B, W / B]`.
///
/// - `input`: any dtype of whole bytes, or strings. `blocksize`: B, from 1.
/// - `mode` (opset 28): `DCR` (default): row i, column j of a block of channel c becomes channel
///   `(i * B + j) * C + c`; `CRD`: channel `c * B^2 + i * B + j`.
/// - Errors: `.shape` when the rank is not 4 or H or W is no multiple of B, `.attribute` for B or
///   mode.
/// - Gradient: DepthToSpace of the upstream in the same mode.
/// - Source: ONNX SpaceToDepth 1, 13, 28 (`mode`).
public struct SpaceToDepth: BlockMove {
  public let blockSize: Int
  public let isColumnFirst: Bool

  public static let schema = Schema(
    "SpaceToDepth", versions: [1, 13, 28],
    inputs: [Parameter("input", Expand.types)], outputs: [Parameter("output", Expand.types)],
    attributes: specs(modeSince: 28), isDifferentiable: true, cases: { try cases([1, 2, 4, 6]) })

  public init(blockSize: Int, isColumnFirst: Bool = false) {
    self.blockSize = blockSize
    self.isColumnFirst = isColumnFirst
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), c.unknown(rank: 4))] }
    guard x.count == 4 else {
      throw EngineError(.shape, "the input is no image", expected: "rank 4", received: "\(x)")
    }
    for axis in 2..<4 {
      if let n = x[axis].known, n % blockSize != 0 {
        throw EngineError(
          .shape, "axis \(axis) does not divide into blocks",
          expected: "a multiple of \(blockSize)", received: "\(n)")
      }
    }
    let b = Dim(blockSize)
    let dims = [x[0], x[1] * b * b, x[2] / b, x[3] / b]
    try checkSizes(dims)
    return [Fact(c.dtype(0), dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let s = x.shape
    let b = blockSize
    let copy = StridedCopy(
      transposing: [s[0], s[1], s[2] / b, b, s[3] / b, b],
      isColumnFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4], elementBytes: x.dtype.byteSize)
    return Prepared { m in copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool) }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(
      0,
      try b.apply(
        DepthToSpace(blockSize: blockSize, isColumnFirst: isColumnFirst), g.upstream()))
  }
}
