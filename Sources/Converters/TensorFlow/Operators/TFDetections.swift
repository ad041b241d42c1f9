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
      return try suppressed(c, overlap: limit, least: nil).indices
    },
    TFOperator("NonMaxSuppressionV2") { (c) throws(EngineError) in
      try suppressed(c, overlap: try c.tensor(3), least: nil).indices
    },
    TFOperator("NonMaxSuppressionV3") { (c) throws(EngineError) in
      try suppressed(c, overlap: try c.tensor(3), least: try c.tensor(4)).indices
    },
    .many("NonMaxSuppressionV4", outputs: ["selected_indices", "valid_outputs"]) {
      (c) throws(EngineError) in
      let made = try suppressed(c, overlap: try c.tensor(3), least: try c.tensor(4))
      return [.tensor(made.indices), .tensor(made.count)]
    },
    .many(
      "NonMaxSuppressionV5", "without soft suppression",
      outputs: ["selected_indices", "selected_scores", "valid_outputs"]
    ) { (c) throws(EngineError) in
      guard try c.double(5) == 0 else {
        throw EngineError(.unsupported, "soft suppression (sigma above 0) is not converted")
      }
      let made = try suppressed(c, overlap: try c.tensor(3), least: try c.tensor(4))
      return [.tensor(made.indices), .tensor(made.scores), .tensor(made.count)]
    },
  ]

  /// Padded where the node asks for it.
  private static func suppressed(
    _ c: TFCall, overlap: ValueID, least: ValueID?
  ) throws(EngineError) -> BoxSuppression {
    try BoxSuppression(
      c.b, boxes: try c.tensor(0), scores: try c.tensor(1), most: try c.tensor(2),
      overlap: overlap, least: least, isPadded: try c.a.bool("pad_to_max_output_size"))
  }
}
