import Tensors
import Training

/// What random layers share that read images at other places: each image has a map of its own,
/// drawn by the counter-based generator in training; otherwise images stay as they are.
public class RandomTransform: ImageLayer {
  /// What is read beyond the edges.
  public let fill: ImageFill
  /// Whether the nearest pixel is read instead of a mean of four.
  public let isNearest: Bool

  init(fill: ImageFill, isNearest: Bool, dataFormat: DataFormat) {
    self.fill = fill
    self.isNearest = isNearest
    super.init(dataFormat: dataFormat)
  }

  /// The six numbers of each image's map, `[N, 1, 1, 1]` each, over places from -1 to 1: the
  /// result's pixel at `(x, y)` is read at `(a x + b y + c, d x + e y + f)`.
  func map(_ x: Tensor, height: Int, width: Int) throws -> [Tensor] { [] }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let real = try x.cast(to: dtype)
    guard isTraining else { return real }
    return try withChannelsFirst(real) { images in
      let (h, w) = (images.shape[2], images.shape[3])
      let numbers = try map(images, height: h, width: w)
      let maps = try concat(numbers, axis: 1).reshape(copying: [0, 2, 3])
      return try fill.transformed(images, maps, nearest: isNearest)
    }
  }
}
