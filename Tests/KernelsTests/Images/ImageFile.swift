import Tensors
import TestSupport

@testable import Kernels

/// A small image file and what Pillow makes of it; tools/oracle/image_vectors.py writes them.
struct ImageFile: Sendable, CustomStringConvertible {
  let name: String
  /// Largest difference that releases of one library may have.
  let tolerance: Int
  let height: Int
  let width: Int
  let bytes: [UInt8]
  let rgb: [UInt8]
  let gray: [UInt8]
  var description: String { name }

  static let all: [ImageFile] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return ((try? lines(of: "/\(folder)/Vectors/images.txt")) ?? []).compactMap(ImageFile.init)
  }()

  private init?(_ line: String) {
    let words = line.split(separator: " ").map(String.init)
    guard words.count == 7, let t = Int(words[1]), let h = Int(words[2]), let w = Int(words[3]),
      let file = hexBytes(words[4]), let rgb = hexBytes(words[5]), let gray = hexBytes(words[6])
    else { return nil }
    (name, tolerance, height, width) = (words[0], t, h, w)
    (bytes, self.rgb, self.gray) = (file, rgb, gray)
  }

  /// The pixels of a file, or the error's code.
  static func decode(
    _ bytes: [UInt8], _ format: PixelFormat = .rgb, _ reader: ImageReader = ImageReader()
  ) throws(EngineError) -> (shape: [Int], pixels: [UInt8]) {
    // Memory of exactly this size, so that a sanitizer sees what reads beyond it.
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    let tensor = Tensor(try reader.decode(UnsafeRawBufferPointer(memory), as: format))
    return (tensor.shape.array, try tensor.values(as: UInt8.self))
  }
}

private func hexBytes(_ text: String) -> [UInt8]? {
  let digits = Array(text.utf8)
  var bytes: [UInt8] = []
  for i in stride(from: 0, to: digits.count, by: 2) {
    guard i + 1 < digits.count,
      let byte = UInt8(String(decoding: digits[i...i + 1], as: UTF8.self), radix: 16)
    else { return nil }
    bytes.append(byte)
  }
  return bytes
}
