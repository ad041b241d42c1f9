import Graphs
import Operators
import Tensors

/// Images at another size, perhaps cropped or padded first to keep their proportions.
struct ResizingLayer: KerasLayer {
  let size: [Int]
  let interpolation: Interpolation
  let crops: Bool
  let pads: Bool
  let fill: Double
  let antialias: Bool
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    size = [try config.int("height"), try config.int("width")]
    interpolation = try Interpolation(config, default: "bilinear")
    crops = try config.bool("crop_to_aspect_ratio", default: false)
    pads = try config.bool("pad_to_aspect_ratio", default: false)
    fill = try config.double("fill_value", default: 0)
    antialias = try config.bool("antialias", default: false)
    isFirst = try config.isChannelsFirst()
    guard size.allSatisfy({ (1...1 << 20).contains($0) }) else {
      throw EngineError(.malformed, "'\(config.name)' resizes to \(size)")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.numeric(try call.raw())
    return .id(
      try call.onImages(x.id, isFirst: isFirst) { (y) throws(EngineError) in
        try resized(y, call)
      })
  }

  private func resized(_ x: ValueID, _ call: LayerCall) throws(EngineError) -> ValueID {
    var y = x
    let (h, w) = (size[0], size[1])
    if crops {
      y = try call.croppedToShape(y, h, w)
    } else if pads {
      let (height, width) = (try call.size(y, 2), try call.size(y, 3))
      let tall = Swift.max(height, Int(Float(width * h) / Float(w)))
      let wide = Swift.max(width, Int(Float(height * w) / Float(h)))
      let (top, left) = (Int(Float(tall - height) / 2), Int(Float(wide - width) / 2))
      y = try call.pad(y, [(top, top), (left, left)], axes: [2, 3], value: fill)
    }
    return try interpolation.resize(y, size, antialias: antialias, call)
  }
}

extension LayerCall {
  /// Applies `change` to images channels first with a batch, which they may lack.
  func onImages(
    _ x: ValueID, isFirst: Bool, _ change: (ValueID) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    let isSingle = try rank(x) == 3
    var y = isSingle ? try unsqueeze(x, [0]) : x
    y = isFirst ? y : try b.channelsFirst(y)
    y = try change(y)
    y = isFirst ? y : try b.channelsLast(y)
    return isSingle ? try squeeze(y, [0]) : y
  }

  /// The middle part of `[N, C, H, W]` with the proportions of `h` to `w`.
  func croppedToShape(_ x: ValueID, _ h: Int, _ w: Int) throws(EngineError) -> ValueID {
    let (height, width) = (try size(x, 2), try size(x, 3))
    let tall = Swift.max(Swift.min(height, Int(Float(width * h) / Float(w))), 1)
    let wide = Swift.max(Swift.min(width, Int(Float(height * w) / Float(h))), 1)
    let (top, left) = (Int(Float(height - tall) / 2), Int(Float(width - wide) / 2))
    return try cropped(x, top, left, tall, wide)
  }

  func cropped(
    _ x: ValueID, _ top: Int, _ left: Int, _ height: Int, _ width: Int
  ) throws(EngineError) -> ValueID {
    let (h, w) = (try size(x, 2), try size(x, 3))
    if top == 0, left == 0, height == h, width == w { return x }
    return try b.apply(
      Slice(),
      inputs: [
        x, try b.ints([top, left]), try b.ints([top + height, left + width]), try b.ints([2, 3]),
      ])
  }
}
