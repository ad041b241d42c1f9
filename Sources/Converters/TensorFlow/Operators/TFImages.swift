import Graphs
import Tensors

/// Images: sizes, blocks, patches.
enum TFImages {
  static let operators: [TFOperator] =
    [
      ("ResizeBilinear", "linear"), ("ResizeNearestNeighbor", "nearest"),
      ("ResizeBicubic", "cubic"),
    ].map { name, mode in
      TFOperator(
        name,
        mode == "cubic" ? "weights exact, where TensorFlow rounds places to 1/1024" : ""
      ) { (c) throws(EngineError) in
        let b = c.b
        var x = try c.tensor(0)
        if mode != "nearest" { x = try b.cast(x, .float32) }
        return try b.resize(
          x, size: try c.tensor(1), mode: mode, alignCorners: try c.a.bool("align_corners"),
          halfPixel: try c.a.bool("half_pixel_centers"))
      }
    }
    + [
      TFOperator("SpaceToBatchND") { (c) throws(EngineError) in
        try c.b.spaceToBatch(try c.tensor(0), block: try c.ints(1), pads: try c.ints(2))
      },
      TFOperator("BatchToSpaceND") { (c) throws(EngineError) in
        try c.b.batchToSpace(try c.tensor(0), block: try c.ints(1), crops: try c.ints(2))
      },
      TFOperator("SpaceToBatch") { (c) throws(EngineError) in
        let n = try c.a.int("block_size", 2)
        return try c.b.spaceToBatch(try c.tensor(0), block: [n, n], pads: try c.ints(1))
      },
      TFOperator("BatchToSpace") { (c) throws(EngineError) in
        let n = try c.a.int("block_size", 2)
        return try c.b.batchToSpace(try c.tensor(0), block: [n, n], crops: try c.ints(1))
      },
    ]
    + [("SpaceToDepth", true), ("DepthToSpace", false)].map { name, toDepth in
      TFOperator(name) { (c) throws(EngineError) in
        try c.b.depthSpace(
          try c.tensor(0), block: try c.a.int("block_size", 2), toDepth: toDepth,
          isFirst: try c.isChannelsFirst())
      }
    }
    + [
      TFOperator("ExtractImagePatches") { (c) throws(EngineError) in try patches(c) },
      TFOperator("AdjustContrastv2") { (c) throws(EngineError) in
        let b = c.b
        let x = try c.tensor(0)
        let rank = try b.rank(x)
        let mean = try b.onnx("ReduceMean", [x, try b.ints([rank - 3, rank - 2])])
        return try b.add(try b.mul(try b.sub(x, mean), try c.tensor(1)), mean)
      },
    ]

  /// Windows of `[N, H, W, C]` side by side in the channels: a convolution with filters that take
  /// one element each.
  private static func patches(_ c: TFCall) throws(EngineError) -> ValueID {
    let b = c.b
    let (sizes, strides, rates) = (
      try c.a.ints("ksizes"), try c.a.ints("strides"), try c.a.ints("rates")
    )
    guard sizes.count == 4, strides.count == 4, rates.count == 4 else {
      throw EngineError(.invalidModel, "the windows have not 4 sizes")
    }
    let x = try b.channelsFirst(try c.tensor(0))
    guard let channels = b.dims(x)?[1].known, channels >= 1, sizes[1] >= 1, sizes[2] >= 1,
      channels <= 4096, sizes[1] <= 64, sizes[2] <= 64
    else { throw EngineError(.unsupported, "the windows are too large or of unknown size") }
    let taps = sizes[1] * sizes[2]
    var filter = [Double](repeating: 0, count: taps * taps)
    for t in 0..<taps { filter[t * taps + t] = 1 }
    // By channel: [C, taps, H, W]; TensorFlow has the taps first.
    let one = try NumberTensor.tensor(
      filter, shape: [taps, 1, sizes[1], sizes[2]], b.dtype(x) ?? .float32)
    let w = try b.onnx("Tile", [try b.constant(one), try b.ints([channels, 1, 1, 1])])
    let made = try b.convolution(
      x, w, nil,
      SpatialWindow(
        strides: Array(strides[1...2]), dilations: Array(rates[1...2]),
        padding: try c.a.string("padding") == "SAME" ? .same : .valid))
    let last = try b.channelsLast(made)
    let (n, h, width) = (try b.size(last, 0), try b.size(last, 1), try b.size(last, 2))
    let split = try b.reshape(
      last, try b.concat([n, h, width, try b.ints([channels, taps])], axis: 0))
    let turned = try b.transpose(split, [0, 1, 2, 4, 3])
    return try b.reshape(
      turned, try b.concat([n, h, width, try b.ints([channels * taps])], axis: 0))
  }
}
