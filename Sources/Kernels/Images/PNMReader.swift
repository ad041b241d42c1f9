import Tensors

/// What separates words in the text of a PNM file.
func isPNMSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

/// Decodes portable bitmaps, graymaps and pixmaps, as text (P1 to P3) and in binary (P4 to P6).
///
/// Samples are scaled to 255, those of graymaps with more than eight bits to 65,535 and then cut at
/// 255, as Pillow has it; halves round to even.
///
/// Source: the Netpbm manual, "PBM", "PGM", "PPM"; Pillow's PpmImagePlugin for the scaling.
struct PNMReader {
  private let bytes: UnsafeRawBufferPointer
  private var at = 2

  /// `bytes` begin with P1 to P6.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Errors: `.malformed`, `.budget`.
  mutating func read(_ reader: ImageReader) throws(EngineError) -> PixelImage {
    let kind = bytes[1] - UInt8(ascii: "0")
    let width = try number("width")
    let height = try number("height")
    let isBitmap = kind == 1 || kind == 4
    let most = isBitmap ? 1 : try number("largest sample")
    guard (1...65535).contains(most) else {
      throw wrong("the largest sample", expected: "1 to 65535", received: "\(most)")
    }
    try reader.check(width: width, height: height)
    let layout: PixelLayout = kind == 3 || kind == 6 ? .rgb8 : .gray8
    let samples = width * height * layout.channels
    // A sample takes one byte of the file at least, or one bit.
    let least =
      switch kind {
      case 4: (width + 7) / 8 * height
      case 5, 6: samples * (most > 255 ? 2 : 1)
      default: samples
      }
    guard least <= bytes.count - at else {
      throw wrong(
        "the file is cut off", expected: "\(least) bytes of pixels",
        received: "\(bytes.count - at)")
    }
    let image = try PixelImage(layout, width: width, height: height, reader.allocate)
    let out = image.storage.bytes.assumingMemoryBound(to: UInt8.self)
    if isBitmap {
      for i in 0..<samples {
        let isBlack = kind == 1 ? try digit() : bit(i % width, row: i / width, width)
        out[i] = isBlack ? 0 : 255
      }
      return image
    }
    let scale = PNMReader.scale(most, isGray: layout == .gray8)
    for i in 0..<samples {
      let v = kind < 4 ? try number("sample") : sample(i, isWide: most > 255)
      guard v <= most || kind > 3 else {
        throw wrong("a sample", expected: "at most \(most)", received: "\(v)")
      }
      out[i] = v <= most ? scale[v] : 255
    }
    return image
  }

  /// What each sample from 0 to `most` becomes.
  private static func scale(_ most: Int, isGray: Bool) -> [UInt8] {
    let top: Double = isGray && most > 255 ? 65535 : 255
    return (0...most).map {
      let v = (Double($0) / Double(most) * top).rounded(.toNearestOrEven)
      return UInt8(min(v, 255))
    }
  }

  private func bit(_ x: Int, row: Int, _ width: Int) -> Bool {
    bytes[at + row * ((width + 7) / 8) + x / 8] >> UInt8(7 - x % 8) & 1 == 1
  }

  private func sample(_ i: Int, isWide: Bool) -> Int {
    isWide ? Int(bytes[at + 2 * i]) << 8 | Int(bytes[at + 2 * i + 1]) : Int(bytes[at + i])
  }

  /// Behind white space and comments.
  private mutating func skip() {
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "#") {
        while at < bytes.count, bytes[at] != 0x0A, bytes[at] != 0x0D { at += 1 }
      } else if !isPNMSpace(bytes[at]) {
        return
      } else {
        at += 1
      }
    }
  }

  /// A number and the one byte of white space behind it.
  private mutating func number(_ what: String) throws(EngineError) -> Int {
    skip()
    var value = 0
    let start = at
    while at < bytes.count, (0x30...0x39).contains(bytes[at]), at - start < 10 {
      value = value * 10 + Int(bytes[at] - 0x30)
      at += 1
    }
    guard at > start else {
      throw at < bytes.count
        ? wrong("the \(what) is no number", received: "byte \(bytes[at])")
        : wrong("the file is cut off", expected: "the \(what)")
    }
    guard at < bytes.count else { return value }
    if isPNMSpace(bytes[at]) {
      at += 1
    } else if bytes[at] != UInt8(ascii: "#") {
      throw wrong("the \(what) is no number", received: "byte \(bytes[at])")
    }
    return value
  }

  /// A bit as text; those need nothing between them.
  private mutating func digit() throws(EngineError) -> Bool {
    skip()
    guard at < bytes.count else { throw wrong("the file is cut off", expected: "more pixels") }
    guard bytes[at] == 0x30 || bytes[at] == 0x31 else {
      throw wrong("a pixel is neither 0 nor 1", received: "byte \(bytes[at])")
    }
    at += 1
    return bytes[at - 1] == 0x31
  }

  private func wrong(
    _ message: String, expected: String? = nil, received: String? = nil
  ) -> EngineError {
    EngineError(
      .malformed, message, expected: expected, received: received,
      subject: .init(offset: at))
  }
}
