import Graphs
import Kernels
import Synchronization
import Tensors

/// The boxes of each class that are left when those that overlap a better one too much are dropped:
/// int64 `[K, 3]` of batch, class and box.
///
/// - `boxes`: float32 `[B, N, 4]`; `scores`: float32 `[B, C, N]`. `max_output_boxes_per_class`
///   (optional): int64, default 0, that is none. `iou_threshold` (optional): float32, default 0; a
///   box goes when its overlap, intersection over union, is greater. `score_threshold` (optional):
///   float32; boxes whose score is not greater do not count.
/// - `center_point_box`: 0 (default) for `[y1, x1, y2, x2]` of any two opposite corners, 1 for
///   `[x, y, width, height]` of the centre.
/// - Order: batch, class, score falling; of equal scores the first box comes first.
/// - Errors: `.shape` for sizes that do not fit.
/// - Edges: boxes without area overlap nothing; a NaN score counts as the lowest.
/// - The output's size depends on data: the operator runs at once, into memory of its own.
/// - Source: ONNX NonMaxSuppression 10, 11.
public struct NonMaxSuppression: Operator {
  public let isCentered: Bool

  private static let float = DTypes(.float32)
  public static let schema = Schema(
    "NonMaxSuppression", versions: [10, 11],
    inputs: [
      Parameter("boxes", float, ""), Parameter("scores", float, ""),
      .optional("max_output_boxes_per_class", .int64, ""), .optional("iou_threshold", float, ""),
      .optional("score_threshold", float, ""),
    ],
    outputs: [Parameter("selected_indices", .int64, "")],
    attributes: [
      AttributeSpec("center_point_box", .int, "0 (default): corners; 1: centre and size")
    ],
    cases: {
      let boxes = try Tensor(
        shape: [1, 4, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11, 0, 10.2, 1, 11.2] as [Float])
      let scores = try Tensor(shape: [1, 1, 4], [0.9, 0.75, 0.6, 0.95] as [Float])
      let most = try Tensor(scalar: 3 as Int64)
      let half = try Tensor(scalar: 0.5 as Float)
      return [
        .init(NonMaxSuppression(), [boxes, scores, most, half]),
        .init(
          NonMaxSuppression(isCentered: true),
          [boxes, scores, most, half, try Tensor(scalar: 0.7 as Float)]),
      ]
    })

  public init(isCentered: Bool = false) { self.isCentered = isCentered }
  public init(reading a: AttributeReader) throws(EngineError) {
    isCentered = try a.bool("center_point_box", default: false)
  }
  public var attributes: [Attribute] { [.bool("center_point_box", isCentered)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for i in 0..<2 {
      if let dims = c.dims(i), dims.count != 3 {
        throw EngineError(
          .shape, "input \(i) has another rank", expected: "rank 3", received: "\(dims)")
      }
    }
    return [Fact(.int64, [c.unknown(), 3])]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let (boxes, scores) = (try e.tensor(0), try e.tensor(1))
    let (b, s) = (boxes.shape, scores.shape)
    guard b.rank == 3, s.rank == 3, b[2] == 4, b[0] == s[0], b[1] == s[2] else {
      throw EngineError(
        .shape, "boxes and scores do not fit together", expected: "[B, N, 4] and [B, C, N]",
        received: "\(b) and \(s)")
    }
    let most = try e.optionalTensor(2).flatMap { $0.elements(Int64.self).first } ?? 0
    let overlap = try e.optionalTensor(3).flatMap { $0.elements(Float.self).first } ?? 0
    let least = try e.optionalTensor(4).flatMap { $0.elements(Float.self).first }
    let op = self
    // No box and no score: nothing to read.
    let classes = s[2] == 0 ? 0 : s[1]
    let suppressions = (0..<s[0]).map { batch in
      BoxSuppression(
        boxes.storage.bytes.assumingMemoryBound(to: Float.self) + batch * b[1] * 4, count: b[1],
        isCentered: op.isCentered)
    }
    let all = scores.storage.bytes.assumingMemoryBound(to: Float.self)
    let kept = Mutex([[Int32]](repeating: [], count: s[0] * classes))
    e.pool.run(s[0] * classes) { i in
      let found = suppressions[i / classes].kept(
        scores: all + i * s[2], least: least, overlap: overlap, most: Int(clamping: most))
      kept.withLock { $0[i] = found }
    }
    withExtendedLifetime((boxes, scores)) {}
    var selected: [Int64] = []
    for (i, found) in kept.withLock({ $0 }).enumerated() {
      for box in found { selected += [Int64(i / classes), Int64(i % classes), Int64(box)] }
    }
    return [.tensor(try Tensor(shape: [selected.count / 3, 3], selected))]
  }
}
