import Tensors

/// Decodes run-length coded bitmaps, RLE4 and RLE8.
///
/// What the runs leave out has the palette's first colour; what they put beyond a row's end is left
/// out. A file may end with its last pixel instead of the mark for that.
struct BMPRuns {
  private let file: ImageBytes
  private let header: BMPHeader
  private let out: UnsafeMutablePointer<UInt8>
  private let image: PixelImage

  init(_ file: ImageBytes, _ header: BMPHeader, _ image: PixelImage) {
    self.file = file
    self.header = header
    self.image = image
    out = image.storage.bytes.assumingMemoryBound(to: UInt8.self)
  }

  /// Errors: `.malformed` for a file that is cut off.
  func read() throws(EngineError) {
    let (width, height) = (header.width, header.height)
    for i in 0..<width * height { fill(0, at: i) }
    let isHalf = header.coding == .runs4
    var at = header.start
    // Rows count from the first in the file.
    var (x, y) = (0, 0)
    func put(row: Int, column: Int, _ index: UInt8) {
      guard column < width, row < height else { return }
      fill(index, at: (header.isTopDown ? row : height - 1 - row) * width + column)
    }
    while y < height {
      if y == height - 1 && x >= width && at + 1 >= file.count { return }
      let (count, value) = (Int(try file.u8(at)), try file.u8(at + 1))
      at += 2
      switch (count, value) {
      case (0, 0): (x, y) = (0, y + 1)
      case (0, 1): return
      case (0, 2):
        x += Int(try file.u8(at))
        y += Int(try file.u8(at + 1))
        at += 2
      case (0, _):
        let pixels = Int(value)
        let bytes = try file.slice(at, isHalf ? (pixels + 1) / 2 : pixels)
        for i in 0..<pixels {
          let byte = bytes[isHalf ? i / 2 : i]
          put(row: y, column: x + i, isHalf ? (i % 2 == 0 ? byte >> 4 : byte & 15) : byte)
        }
        x += pixels
        // Padded to 16 bits.
        at += (bytes.count + 1) / 2 * 2
      default:
        for i in 0..<count {
          put(row: y, column: x + i, isHalf ? (i % 2 == 0 ? value >> 4 : value & 15) : value)
        }
        x += count
      }
    }
  }

  private func fill(_ index: UInt8, at place: Int) {
    let (r, g, b) = header.palette[Int(index)]
    (out[3 * place], out[3 * place + 1], out[3 * place + 2]) = (r, g, b)
  }
}
