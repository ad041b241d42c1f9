import Graphs
import Operators
import Tensors

/// `keras.ops.image`.
extension OperationLayer {
  static let imaging: [String: Rule] = [
    "Resize": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      guard let size = try c.axes(1, "size"), size.count == 2,
        !c.truth(9, "pad_to_aspect_ratio")
      else { throw c.unsupported("its size or padding") }
      let how = try Interpolation(c.config, default: "bilinear")
      return .id(
        try c.onImages(x, isFirst: try c.config.isChannelsFirst()) { (y) throws(EngineError) in
          let part =
            c.truth(9, "crop_to_aspect_ratio")
            ? try c.croppedToShape(y, Swift.max(size[0], 1), Swift.max(size[1], 1)) : y
          return try how.resize(part, size, antialias: c.truth(9, "antialias"), c)
        })
    },
    "RGBToGrayscale": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      let isFirst = try c.config.isChannelsFirst()
      let axis = isFirst ? -3 : -1
      let tensor = try Tensor(
        shape: isFirst ? [3, 1, 1] : [3], [0.2989, 0.5870, 0.1140] as [Float])
      let factors = try c.b.constant(
        try Eager().apply(Cast(to: c.b.dtype(x) ?? .float32), tensor))
      return .id(
        try c.reduce(ReduceSum.self, try c.mul(x, factors), [axis], keepDims: true))
    },
  ]
}
