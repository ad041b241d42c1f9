import Tensors
import Training

/// A random part of each image in training; otherwise the middle, resized.
///
/// - Output: `height` by `width`. In training each image has a part of its own, where Keras gives
///   one to a batch; otherwise the largest middle part of the same ratio of sides is resized, as
///   Keras documents it (3.15 leaves the image as it is).
/// - Errors: `.shape` for images smaller than the part. - Source: Keras 3 RandomCrop.
public final class RandomCrop: ImageLayer {
  /// The height of the result.
  public let height: Int
  /// The width of the result.
  public let width: Int

  public init(_ height: Int, _ width: Int, dataFormat: DataFormat = .channelsFirst) {
    self.height = height
    self.width = width
    super.init(dataFormat: dataFormat)
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(height, "the height")
    try checked(width, "the width")
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    let made = try resized(shape, height, width)
    for (axis, least) in [(heightAxis, height), (heightAxis + 1, width)] {
      if let n = shape[axis], n < least {
        throw EngineError(
          .shape, "images are smaller than the part", expected: "\(least) or more",
          received: "\(n)")
      }
    }
    return made
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let real = try x.cast(to: dtype)
    let (h, w) = (real.shape[heightAxis], real.shape[heightAxis + 1])
    _ = try outputShape(for: LayerShape(x.shape.array))
    guard isTraining else { return try middle(real, h, w, height, width) }
    return try withChannelsFirst(real) { images in
      // Whole pixels from the left and from the top.
      let top = try drawn(images, 0...1) * Double(h - height + 1)
      let left = try drawn(images, 0...1) * Double(w - width + 1)
      let y = try top.floor().minimum(Double(h - height))
      let z = try left.floor().minimum(Double(w - width))
      let zero = try y * 0
      let (sy, sx) = (Double(height) / Double(h), Double(width) / Double(w))
      // The middle of the part, as a place from -1 to 1.
      let cy = try y * (2 / Double(h)) + (sy - 1)
      let cx = try z * (2 / Double(w)) + (sx - 1)
      let maps = try concat([zero + sx, zero, cx, zero, zero + sy, cy], axis: 1)
      return try images.transformed(
        maps.reshape(copying: [0, 2, 3]), size: (height, width), edge: .border, nearest: true)
    }
  }
}

extension ImageLayer {
  /// The largest middle part whose sides have the ratio of `height` and `width`, resized to these.
  func middle(
    _ x: Tensor, _ h: Int, _ w: Int, _ height: Int, _ width: Int, nearest: Bool = false
  ) throws -> Tensor {
    let ch = max(min(h, Int(Double(w * height) / Double(width))), 1)
    let cw = max(min(w, Int(Double(h * width) / Double(height))), 1)
    let (top, left) = ((h - ch) / 2, (w - cw) / 2)
    let part =
      ch == h && cw == w
      ? x
      : try x.slice(
        axes: [heightAxis, heightAxis + 1], from: [top, left], to: [top + ch, left + cw])
    if ch == height, cw == width { return part }
    return try part.resized(
      height: height, width: width, firstAxis: heightAxis, nearest: nearest)
  }
}
