import Tensors

/// Decodes Windows and OS/2 bitmaps into RGB.
///
/// 1, 4 and 8 bits with a palette, plain or as runs; 16, 24 and 32 bits with any masks without
/// gaps; from the bottom or from the top. Parts of fewer than eight bits become
/// `v * 255 / most`, cut off, as Pillow has it. Alpha is left out.
///
/// Source: Microsoft, "Bitmap Storage"; Pillow's BmpImagePlugin for what that leaves open.
struct BMPReader {
  let file: ImageBytes

  init(_ file: ImageBytes) { self.file = file }

  /// Errors: `.malformed`, `.unsupported`, `.budget`.
  func read(_ reader: ImageReader) throws(EngineError) -> PixelImage {
    let header = try BMPHeader(file)
    try reader.check(width: header.width, height: header.height)
    switch header.coding {
    case .runs4, .runs8:
      _ = try file.slice(header.start, 0)
      let image = try PixelImage(
        .rgb8, width: header.width, height: header.height, reader.allocate)
      try BMPRuns(file, header, image).read()
      return image
    case .plain, .masks:
      // The limit on pixels keeps these products far below overflow.
      let rowBytes = (header.width * header.bits + 31) / 32 * 4
      let needed = rowBytes * (header.height - 1) + (header.width * header.bits + 7) / 8
      let pixels = try file.slice(header.start, needed)
      let image = try PixelImage(
        .rgb8, width: header.width, height: header.height, reader.allocate)
      let out = image.storage.bytes.assumingMemoryBound(to: UInt8.self)
      for y in 0..<header.height {
        let row = header.isTopDown ? y : header.height - 1 - y
        let last = min(rowBytes * (y + 1), pixels.count)
        write(
          UnsafeRawBufferPointer(rebasing: pixels[rowBytes * y..<last]), header,
          to: out + 3 * header.width * row)
      }
      return image
    }
  }

  /// `row` holds all of the row's pixels.
  private func write(
    _ row: UnsafeRawBufferPointer, _ header: BMPHeader, to out: UnsafeMutablePointer<UInt8>
  ) {
    switch header.bits {
    case 1, 4, 8:
      let perByte = 8 / header.bits
      let mask = UInt8(truncatingIfNeeded: (1 << header.bits) - 1)
      for x in 0..<header.width {
        let shift = 8 - header.bits * (x % perByte + 1)
        let (r, g, b) = header.palette[Int(row[x / perByte] >> UInt8(shift) & mask)]
        (out[3 * x], out[3 * x + 1], out[3 * x + 2]) = (r, g, b)
      }
    case 24 where header.coding == .plain:
      for x in 0..<header.width {
        (out[3 * x], out[3 * x + 1], out[3 * x + 2]) =
          (row[3 * x + 2], row[3 * x + 1], row[3 * x])
      }
    default:
      let size = header.bits / 8
      let parts = header.masks.map { Part($0) }
      for x in 0..<header.width {
        var v: UInt32 = 0
        for i in 0..<size { v |= UInt32(row[size * x + i]) << UInt32(8 * i) }
        for (c, part) in parts.enumerated() { out[3 * x + c] = part.value(v) }
      }
    }
  }

  /// One colour's bits within a pixel.
  private struct Part {
    let mask: UInt32
    let shift: UInt32
    let most: UInt32

    init(_ mask: UInt32) {
      self.mask = mask
      shift = mask == 0 ? 0 : UInt32(mask.trailingZeroBitCount)
      most = mask >> shift
    }

    func value(_ pixel: UInt32) -> UInt8 {
      guard most > 0 else { return 0 }
      let v = UInt64((pixel & mask) >> shift)
      return UInt8(truncatingIfNeeded: v * 255 / UInt64(most))
    }
  }
}
