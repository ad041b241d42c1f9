import Graphs
import Kernels
import Tensors

/// The layout of images of bytes: `[N, C, H, W]` becomes uint8 `[N, H, W, C in fours]`, whose last
/// channels, up to three, are of no meaning. A byte q stands for `(q - zero) * scale`; int8 numbers
/// become bytes by adding 128, to the zero point as well.
enum ByteLayout {
  static let types = DTypes(.uint8)

  /// `[N, C, H, W]` in this layout.
  static func bytes(_ plain: [Dim]) -> [Dim] {
    [plain[0], plain[2], plain[3], plain[1].dividedRoundingUp(by: 4) * 4]
  }

  /// The sizes of an image of bytes as those of a plain one with `channels`; nil where the rank is
  /// not known.
  ///
  /// Errors: `.shape` where they are not those of an image in this layout with that many channels.
  static func plain(_ dims: [Dim]?, channels: Dim?, _ name: String) throws(EngineError) -> [Dim]? {
    guard let dims else { return nil }
    guard dims.count == 4 else {
      throw EngineError(
        .shape, "input \(name) is no image of bytes", expected: "[N, H, W, C]", received: "\(dims)")
    }
    if let given = dims[3].known {
      if let c = channels?.known, c < 1 || given != BytePanels.step(c) {
        throw EngineError(
          .shape, "input \(name) has another number of channels",
          expected: "\(BytePanels.step(max(c, 1))) bytes for \(c)", received: "\(given)")
      }
      if given % 4 != 0 {
        throw EngineError(
          .shape, "input \(name) has channels that are not in fours", received: "\(dims)")
      }
    }
    return [dims[0], channels ?? dims[3], dims[1], dims[2]]
  }

  /// A scale and zero point: attributes `<name>_scale` (default 1) and `<name>_zero` (default 0).
  static func specs(_ name: String, of what: String) -> [AttributeSpec] {
    [
      AttributeSpec("\(name)_scale", .float, "what a step of \(what) stands for; default 1"),
      AttributeSpec("\(name)_zero", .int, "the byte of \(what) that stands for 0; default 0"),
    ]
  }

  /// Errors: `.attribute` for a scale that is not positive and finite, or a zero point that is no
  /// byte.
  static func scale(_ name: String, _ a: AttributeReader) throws(EngineError) -> PixelScale {
    let scale = try a.float("\(name)_scale", default: 1)
    guard scale > 0, scale.isFinite else {
      throw EngineError(
        .attribute, "attribute '\(name)_scale' is out of range", expected: "a positive number",
        received: "\(scale)")
    }
    return PixelScale(scale, zero: try byte("\(name)_zero", a, default: 0))
  }

  /// Errors: `.attribute` for a number that is no byte.
  static func byte(_ name: String, _ a: AttributeReader, default d: Int) throws(EngineError) -> Int
  {
    let n = try a.int(name, default: d)
    guard (0...255).contains(n) else {
      throw EngineError(
        .attribute, "attribute '\(name)' is out of range", expected: "0 to 255", received: "\(n)")
    }
    return n
  }

  static func attributes(_ name: String, _ s: PixelScale) -> [Attribute] {
    [.float("\(name)_scale", s.scale), .int("\(name)_zero", s.zero)]
  }

  static let boundSpecs: [AttributeSpec] = [
    AttributeSpec("low", .int, "the least byte of the result; default 0"),
    AttributeSpec("high", .int, "the greatest byte of the result; default 255"),
  ]
  /// The bounds of results.
  ///
  /// Errors: `.attribute` where they are no bytes or the wrong way round.
  static func bounds(
    _ a: AttributeReader, _ prefix: String = ""
  ) throws(EngineError) -> (low: Int, high: Int) {
    let (low, high) = (
      try byte(prefix + "low", a, default: 0), try byte(prefix + "high", a, default: 255)
    )
    guard low <= high else {
      throw EngineError(
        .attribute, "attribute '\(prefix)low' is above '\(prefix)high'",
        expected: "at most \(high)",
        received: "\(low)")
    }
    return (low, high)
  }

  /// Two images of `channels` channels and 5 x 4 pixels, with bytes that differ.
  static func example(channels: Int = 6, seed: Int = 0) throws(EngineError) -> Tensor {
    let step = BytePanels.step(channels)
    return try Tensor(
      shape: [2, 5, 4, step], (0..<40 * step).map { UInt8(($0 * 37 + seed) % 251) })
  }
}
