import Graphs
import Tensors

/// Boxes: crops and suppression.
enum TFDetections {
  static let operators: [TFOperator] = [
    TFOperator("CropAndResize") { (c) throws(EngineError) in
      let b = c.b
      let method = try c.a.string("method", "bilinear")
      let images = try b.channelsFirst(try b.cast(try c.tensor(0), .float32))
      let made = try b.onnx(
        "CropAndResize",
        [
          images, try c.tensor(1), try b.cast(try c.tensor(2), .int32),
          try b.cast(try c.tensor(3), .int32),
        ],
        [
          .string("mode", method),
          .float("extrapolation_value", try c.a.float("extrapolation_value", 0)),
        ], domain: "com.microsoft")
      return try b.channelsLast(made)
    },
    TFOperator("NonMaxSuppression") { (c) throws(EngineError) in
      let limit = try c.b.number(Double(try c.a.float("iou_threshold", 0.5)), .float32)
      return try suppressed(c, overlap: limit, score: nil).indices
    },
    TFOperator("NonMaxSuppressionV2") { (c) throws(EngineError) in
      try suppressed(c, overlap: try c.tensor(3), score: nil).indices
    },
    TFOperator("NonMaxSuppressionV3") { (c) throws(EngineError) in
      try suppressed(c, overlap: try c.tensor(3), score: try c.tensor(4)).indices
    },
    .many("NonMaxSuppressionV4", outputs: ["selected_indices", "valid_outputs"]) {
      (c) throws(EngineError) in
      let made = try padded(c, try suppressed(c, overlap: try c.tensor(3), score: try c.tensor(4)))
      return [.tensor(made.indices), .tensor(made.count)]
    },
    .many(
      "NonMaxSuppressionV5", "without soft suppression",
      outputs: ["selected_indices", "selected_scores", "valid_outputs"]
    ) { (c) throws(EngineError) in
      guard try c.double(5) == 0 else {
        throw EngineError(.unsupported, "soft suppression (sigma above 0) is not converted")
      }
      let b = c.b
      let made = try padded(c, try suppressed(c, overlap: try c.tensor(3), score: try c.tensor(4)))
      let scores = try b.onnx("Gather", [try c.tensor(1), made.indices])
      return [.tensor(made.indices), .tensor(scores), .tensor(made.count)]
    },
  ]

  private struct Selection {
    let indices: ValueID
    /// int32 scalar.
    let count: ValueID
  }

  /// The places of boxes `[n, 4]` that no better one overlaps, in order of their scores.
  private static func suppressed(
    _ c: TFCall, overlap: ValueID, score: ValueID?
  ) throws(EngineError) -> Selection {
    let b = c.b
    let boxes = try b.unsqueeze(try b.cast(try c.tensor(0), .float32), [0])
    let scores = try b.unsqueeze(try b.cast(try c.tensor(1), .float32), [0, 1])
    let most = try b.reshape(try b.cast(try c.tensor(2), .int64), [1])
    let found = try b.onnx(
      "NonMaxSuppression",
      [
        boxes, scores, most, try b.reshape(try b.cast(overlap, .float32), [1]),
        try score.map { (s) throws(EngineError) in
          try b.reshape(try b.cast(s, .float32), [1])
        },
      ].dropLastNil())
    let indices = try b.cast(
      try b.reshape(try b.slice(found, [2], [3], axes: [1]), [-1]), .int32)
    let count = try b.cast(try b.squeeze(try b.size(indices, 0), [0]), .int32)
    return Selection(indices: indices, count: count)
  }

  /// Filled up with zeros to the most that may be selected, where the node asks for it.
  private static func padded(_ c: TFCall, _ s: Selection) throws(EngineError) -> Selection {
    guard try c.a.bool("pad_to_max_output_size") else { return s }
    let b = c.b
    let most = try b.reshape(try b.cast(try c.tensor(2), .int64), [1])
    let missing = try b.sub(most, try b.size(s.indices, 0))
    let pads = try b.concat([try b.ints([0]), missing], axis: 0)
    return Selection(indices: try b.onnx("Pad", [s.indices, pads]), count: s.count)
  }
}
