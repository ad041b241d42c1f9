import Graphs
import Tensors

/// Boxes `[n, 4]` of which those stay that no better one overlaps, in order of their scores.
struct BoxSuppression {
  /// int32 `[k]`, or as many as may be selected where padded.
  let indices: ValueID
  /// float32, as many as indices; zeros where padded.
  let scores: ValueID
  /// How many were selected: int32, a scalar.
  let count: ValueID

  /// - `most`: how many boxes may be selected.
  /// - `overlap`: boxes that overlap a better one by more are dropped.
  /// - `least`: the score that a box must exceed; nil: any.
  /// - `isPadded`: whether zeros fill the results up to `most`.
  init(
    _ b: ConversionBuilder, boxes: ValueID, scores: ValueID, most: ValueID, overlap: ValueID,
    least: ValueID?, isPadded: Bool
  ) throws(EngineError) {
    let scores = try b.cast(scores, .float32)
    let most = try b.reshape(try b.cast(most, .int64), [1])
    let found = try b.onnx(
      "NonMaxSuppression",
      [
        try b.unsqueeze(try b.cast(boxes, .float32), [0]), try b.unsqueeze(scores, [0, 1]), most,
        try b.reshape(try b.cast(overlap, .float32), [1]),
        try least.map { (s) throws(EngineError) in
          try b.reshape(try b.cast(s, .float32), [1])
        },
      ].dropLastNil())
    let places = try b.reshape(try b.slice(found, [2], [3], axes: [1]), [-1])
    let selected = try b.cast(places, .int32)
    let best = try b.onnx("Gather", [scores, places])
    count = try b.cast(try b.squeeze(try b.size(places, 0), [0]), .int32)
    if isPadded {
      let pads = try b.concat(
        [try b.ints([0]), try b.sub(most, try b.size(places, 0))], axis: 0)
      indices = try b.onnx("Pad", [selected, pads])
      self.scores = try b.onnx("Pad", [best, pads])
    } else {
      (indices, self.scores) = (selected, best)
    }
  }
}
