import Kernels
import Tensors

/// Where the heads of one operand of attention lie in the last axis of a tensor: head h has the
/// elements from `offset + h * stride` on.
public struct HeadPlaces: Hashable, Sendable {
  public let offset: Int
  public let stride: Int
  /// Elements of a head.
  public let size: Int

  public init(offset: Int, stride: Int, size: Int) {
    self.offset = offset
    self.stride = stride
    self.size = size
  }

  /// Whether `heads` of them lie within `width` elements.
  func fit(_ heads: Int, in width: Int) -> Bool {
    let (last, o1) = (heads - 1).multipliedReportingOverflow(by: stride)
    let (start, o2) = last.addingReportingOverflow(offset)
    let (end, o3) = start.addingReportingOverflow(size)
    return !o1 && !o2 && !o3 && end <= width
  }

  /// `[N, H, S, E]` and the distances of an operand `[N, S, W]`, or `[S, N, W]`.
  ///
  /// Errors: `.shape` for another rank, or heads beyond W.
  func split(
    _ shape: Shape, _ heads: Int, isSequenceFirst: Bool, _ name: String
  ) throws(EngineError) -> (dims: [Int], layout: AttentionKernel.Layout) {
    guard shape.rank == 3, fit(heads, in: shape[2]) else {
      throw EngineError(
        .shape, "\(name) does not hold its heads",
        expected: "rank 3, \(heads) heads of \(size) from element \(offset) on",
        received: "\(shape)")
    }
    let width = shape[2]
    if isSequenceFirst {
      return (
        [shape[1], heads, shape[0], size],
        AttentionKernel.Layout(batch: width, head: stride, row: shape[1] * width)
      )
    }
    return (
      [shape[0], heads, shape[1], size],
      AttentionKernel.Layout(batch: shape[1] * width, head: stride, row: width)
    )
  }
}
