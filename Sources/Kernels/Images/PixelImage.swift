import Tensors

/// How the samples of a pixel lie, interleaved.
enum PixelLayout: Sendable {
  case gray8, gray16, rgb8
  /// 255 is full ink.
  case cmyk8

  var channels: Int {
    switch self {
    case .gray8, .gray16: 1
    case .rgb8: 3
    case .cmyk8: 4
    }
  }
}

/// What the operator ImageDecoder may be asked for, by the standard's names.
public enum PixelFormat: String, Sendable, CaseIterable {
  case rgb = "RGB"
  case bgr = "BGR"
  case grayscale = "Grayscale"

  public var channels: Int { self == .grayscale ? 1 : 3 }
}

typealias StorageMaker = (TensorType) throws(EngineError) -> Storage

/// Decoded pixels, rows from the top: uint8 or uint16 `[H, W, C]`.
struct PixelImage {
  let layout: PixelLayout
  let width: Int
  let height: Int
  let storage: Storage

  /// Uninitialised pixels. Sizes are positive and were checked against the limit.
  init(
    _ layout: PixelLayout, width: Int, height: Int, _ allocate: StorageMaker
  ) throws(EngineError) {
    self.layout = layout
    self.width = width
    self.height = height
    storage = try allocate(
      TensorType(layout == .gray16 ? .uint16 : .uint8, [height, width, layout.channels]))
  }

  /// The pixels as another format, by Pillow's rules: 16 bits are cut at 255, inks are multiplied
  /// with 8-bit rounding, and gray is (19595 R + 38470 G + 7471 B) / 65536, ITU-R BT.601's.
  func converted(
    to format: PixelFormat, _ allocate: StorageMaker
  ) throws(EngineError) -> Storage {
    if layout == .rgb8 && format == .rgb || layout == .gray8 && format == .grayscale {
      return storage
    }
    let out = try allocate(TensorType(.uint8, [height, width, format.channels]))
    let count = width * height
    let y = out.bytes.assumingMemoryBound(to: UInt8.self)
    let x = storage.bytes.assumingMemoryBound(to: UInt8.self)
    switch layout {
    case .gray8: PixelImage.write(count, y, format) { (x[$0], x[$0], x[$0]) }
    case .gray16:
      let wide = storage.bytes.assumingMemoryBound(to: UInt16.self)
      PixelImage.write(count, y, format) {
        let v = UInt8(clamping: wide[$0])
        return (v, v, v)
      }
    case .rgb8: PixelImage.write(count, y, format) { (x[3 * $0], x[3 * $0 + 1], x[3 * $0 + 2]) }
    case .cmyk8:
      PixelImage.write(count, y, format) {
        let light = 255 - Int(x[4 * $0 + 3])
        func part(_ ink: UInt8) -> UInt8 {
          let product = Int(ink) * light + 128
          return UInt8(clamping: light - (product + product >> 8) >> 8)
        }
        return (part(x[4 * $0]), part(x[4 * $0 + 1]), part(x[4 * $0 + 2]))
      }
    }
    withExtendedLifetime(storage) {}
    return out
  }

  @inline(__always)
  private static func write(
    _ count: Int, _ y: UnsafeMutablePointer<UInt8>, _ format: PixelFormat,
    _ pixel: (Int) -> (UInt8, UInt8, UInt8)
  ) {
    for i in 0..<count {
      let (r, g, b) = pixel(i)
      switch format {
      case .rgb: (y[3 * i], y[3 * i + 1], y[3 * i + 2]) = (r, g, b)
      case .bgr: (y[3 * i], y[3 * i + 1], y[3 * i + 2]) = (b, g, r)
      case .grayscale:
        let sum = UInt32(r) * 19595 + UInt32(g) * 38470 + UInt32(b) * 7471 + 0x8000
        y[i] = UInt8(truncatingIfNeeded: sum >> 16)
      }
    }
  }
}
