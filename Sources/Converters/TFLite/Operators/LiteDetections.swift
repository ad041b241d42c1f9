import Graphs
import Tensors

/// Suppression of overlapping boxes; results are always filled up to the most that may be selected.
enum LiteDetections {
  static let operators: [LiteOperator] = [
    .many("NON_MAX_SUPPRESSION_V4") { (c) throws(EngineError) in
      let made = try suppressed(c)
      return [.stored(.tensor(made.indices)), .stored(.tensor(made.count))]
    },
    .many("NON_MAX_SUPPRESSION_V5", "without soft suppression") { (c) throws(EngineError) in
      guard let sigma = c.b.known(try c.stored(5)), sigma.dtype == .float32,
        sigma.count == 1, sigma.asDouble(0) == 0
      else {
        throw EngineError(.unsupported, "soft suppression (sigma above 0) is not converted")
      }
      let made = try suppressed(c)
      return [
        .stored(.tensor(made.indices)), .stored(.tensor(made.scores)),
        .stored(.tensor(made.count)),
      ]
    },
  ]

  private static func suppressed(_ c: LiteCall) throws(EngineError) -> BoxSuppression {
    try BoxSuppression(
      c.b, boxes: try c.number(0), scores: try c.number(1), most: try c.stored(2),
      overlap: try c.number(3), least: try c.number(4), isPadded: true)
  }
}
