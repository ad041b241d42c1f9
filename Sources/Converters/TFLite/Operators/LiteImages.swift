import Graphs
import Tensors

/// Images: sizes, blocks, boxes.
enum LiteImages {
  static let operators: [LiteOperator] = [
    LiteOperator("RESIZE_BILINEAR") { (c) throws(EngineError) in
      try c.b.resize(
        try c.number(0), size: try c.stored(1), mode: "linear",
        alignCorners: try c.optionFlag(2), halfPixel: try c.optionFlag(3))
    },
    .moving("RESIZE_NEAREST_NEIGHBOR") { (c, x) throws(EngineError) in
      try c.b.resize(
        x, size: try c.stored(1), mode: "nearest", alignCorners: try c.optionFlag(0),
        halfPixel: try c.optionFlag(1))
    },
    .moving("SPACE_TO_DEPTH") { (c, x) throws(EngineError) in
      try c.b.depthSpace(x, block: try c.optionInt(0), toDepth: true, isFirst: false)
    },
    .moving("DEPTH_TO_SPACE") { (c, x) throws(EngineError) in
      try c.b.depthSpace(x, block: try c.optionInt(0), toDepth: false, isFirst: false)
    },
    LiteOperator("SPACE_TO_BATCH_ND") { (c) throws(EngineError) in
      try c.b.spaceToBatch(try c.number(0), block: try c.ints(1), pads: try c.ints(2))
    },
    LiteOperator("BATCH_TO_SPACE_ND") { (c) throws(EngineError) in
      try c.b.batchToSpace(try c.number(0), block: try c.ints(1), crops: try c.ints(2))
    },
  ]
}
