import Graphs
import Kernels
import Tensors

/// Channels rearranged into blocks of the image: `[N, C, H, W]` to `[N, C / B^2, H * B, W * B]`.
///
/// - `input`: any dtype of whole bytes, or strings. `blocksize`: B, from 1.
/// - `mode`: `DCR` (default): channel `(i * B + j) * C / B^2 + c` gives row i, column j of block c;
///   `CRD`: channel `c * B^2 + i * B + j` does.
/// - Errors: `.shape` when the rank is not 4 or C is no multiple of B^2, `.attribute` for B or mode.
/// - Gradient: SpaceToDepth of the upstream in the same mode.
/// - Source: ONNX DepthToSpace 1, 11 (`mode`), 13, 28.
public struct DepthToSpace: BlockMove {
  public let blockSize: Int
  public let isColumnFirst: Bool

  public static let schema = Schema(
    "DepthToSpace", versions: [1, 11, 13, 28],
    inputs: [Parameter("input", Expand.types)], outputs: [Parameter("output", Expand.types)],
    attributes: specs(modeSince: 11), isDifferentiable: true, cases: { try cases([1, 8, 2, 3]) })

  public init(blockSize: Int, isColumnFirst: Bool = false) {
    self.blockSize = blockSize
    self.isColumnFirst = isColumnFirst
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), c.unknown(rank: 4))] }
    guard x.count == 4 else {
      throw EngineError(.shape, "the input is no image", expected: "rank 4", received: "\(x)")
    }
    let area = Dim(blockSize * blockSize)
    if let n = x[1].known, n % (blockSize * blockSize) != 0 {
      throw EngineError(
        .shape, "the channels do not divide into blocks", expected: "a multiple of \(area)",
        received: "\(n)")
    }
    let dims = [x[0], x[1] / area, x[2] * Dim(blockSize), x[3] * Dim(blockSize)]
    try checkSizes(dims)
    return [Fact(c.dtype(0), dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let s = x.shape
    let b = blockSize
    let depth = s[1] / (b * b)
    let copy =
      isColumnFirst
      ? StridedCopy(
        transposing: [s[0], depth, b, b, s[2], s[3]], [0, 1, 4, 2, 5, 3],
        elementBytes: x.dtype.byteSize)
      : StridedCopy(
        transposing: [s[0], b, b, depth, s[2], s[3]], [0, 3, 4, 1, 5, 2],
        elementBytes: x.dtype.byteSize)
    return Prepared { m in copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool) }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(
      0,
      try b.apply(
        SpaceToDepth(blockSize: blockSize, isColumnFirst: isColumnFirst), g.upstream()))
  }
}
