import Graphs
import Operators
import Tensors

/// The middle of images; smaller ones are cropped to the proportions and grown. `RandomCrop` does
/// the same at inference.
struct CenterCropLayer: KerasLayer {
  let height: Int
  let width: Int
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    height = try config.int("height")
    width = try config.int("width")
    isFirst = try config.isChannelsFirst()
    guard (1...1 << 20).contains(height), (1...1 << 20).contains(width) else {
      throw EngineError(.malformed, "'\(config.name)' crops to \(height) by \(width)")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.numeric(try call.raw())
    return .id(
      try call.onImages(x.id, isFirst: isFirst) { (y) throws(EngineError) in
        let (h, w) = (try call.size(y, 2), try call.size(y, 3))
        if h >= height, w >= width {
          return try call.cropped(y, (h - height) / 2, (w - width) / 2, height, width)
        }
        let middle = try call.croppedToShape(y, height, width)
        return try Interpolation.bilinear.resize(
          middle, [height, width], antialias: false, call)
      })
  }
}
