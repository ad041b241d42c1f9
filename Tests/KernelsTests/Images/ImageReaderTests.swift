import Glibc
import Tensors
import Testing

@testable import Kernels

/// Decoding against Pillow, with the system's libraries that tools/setup installs.
@Suite struct ImageReaderTests {
  @Test func filesAreThere() {
    #expect(ImageFile.all.count > 140)
    let formats = Set(
      ImageFile.all.compactMap { f in f.bytes.withUnsafeBytes { ImageFormat(of: $0) } })
    #expect(formats == Set(ImageFormat.allCases))
  }

  @Test(arguments: ImageFile.all) func decodesAsPillow(_ file: ImageFile) throws {
    func largest(_ a: [UInt8], _ b: [UInt8]) -> Int {
      zip(a, b).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
    }
    let rgb = try ImageFile.decode(file.bytes)
    #expect(rgb.shape == [file.height, file.width, 3])
    #expect(rgb.pixels.count == file.rgb.count)
    #expect(largest(rgb.pixels, file.rgb) <= file.tolerance)
    let gray = try ImageFile.decode(file.bytes, .grayscale)
    #expect(gray.shape == [file.height, file.width, 1])
    #expect(gray.pixels.count == file.gray.count)
    #expect(largest(gray.pixels, file.gray) <= file.tolerance)
    let bgr = try ImageFile.decode(file.bytes, .bgr)
    #expect(bgr.shape == rgb.shape)
    var turned = rgb.pixels
    for i in stride(from: 0, to: turned.count, by: 3) { turned.swapAt(i, i + 2) }
    #expect(bgr.pixels == turned)
  }

  /// A file that is cut off is refused, unless only what follows the pixels is missing.
  @Test(arguments: ImageFile.all) func cutOff(_ file: ImageFile) throws {
    let whole = try ImageFile.decode(file.bytes)
    let step = max(1, file.bytes.count / 300)
    // The last number of a text may be cut and still be one.
    let isText = file.name.hasPrefix("pnm_2") || file.name.hasPrefix("pnm_3")
    for length in stride(from: 0, to: file.bytes.count - (isText ? 5 : 0), by: step) {
      do throws(EngineError) {
        let part = try ImageFile.decode(Array(file.bytes[..<length]))
        #expect(part == whole, "\(length) of \(file.bytes.count) bytes")
      } catch let e {
        #expect([.malformed, .unsupported].contains(e.code), "\(length) bytes: \(e)")
      }
    }
  }

  /// Every bit of what is decoded here, and a bit of every byte of what libraries decode.
  @Test(arguments: ImageFile.all) func changedBits(_ file: ImageFile) {
    var bytes = file.bytes
    let isOurs = file.name.hasPrefix("bmp") || file.name.hasPrefix("pnm")
    let step = isOurs ? 1 : max(1, bytes.count / 200)
    let reader = ImageReader(maxPixels: 100_000)
    for i in stride(from: 0, to: bytes.count, by: step) {
      for bit in isOurs ? 0..<8 : i % 8..<i % 8 + 1 {
        bytes[i] ^= 1 << UInt8(bit)
        defer { bytes[i] ^= 1 << UInt8(bit) }
        do throws(EngineError) {
          let (shape, pixels) = try ImageFile.decode(bytes, .rgb, reader)
          #expect(shape.reduce(1, *) == pixels.count)
        } catch let e {
          #expect([.malformed, .unsupported, .budget].contains(e.code), "byte \(i): \(e)")
        }
      }
    }
  }

  @Test func unknownFiles() {
    for bytes in [[], [0], Array("P7 1 1 255\n".utf8), Array("GIF89a".utf8), [0xFF, 0xD8]] {
      let e = #expect(throws: EngineError.self) { try ImageFile.decode(bytes) }
      #expect(e?.code == .malformed)
      #expect(e?.description.contains("WebP") == true)
    }
  }

  @Test func largeImagesNeedTheBudget() {
    let header = Array("P6 70000 70000 255\n".utf8)
    let many = #expect(throws: EngineError.self) { try ImageFile.decode(header) }
    #expect(many?.code == .budget)
    let cut = #expect(throws: EngineError.self) {
      try ImageFile.decode(Array("P5 10000 10000 255\n".utf8))
    }
    #expect(cut?.code == .malformed)
    let overflow = #expect(throws: EngineError.self) {
      try ImageFile.decode(Array("P5 9999999999 9999999999 255\n".utf8))
    }
    #expect(overflow?.code == .budget)
    for file in ImageFile.all {
      let few = ImageReader(maxPixels: file.width * file.height - 1)
      let e = #expect(throws: EngineError.self) { try ImageFile.decode(file.bytes, .rgb, few) }
      #expect(e?.code == .budget, "\(file)")
    }
    let none = ImageReader { (_) throws(EngineError) in
      throw EngineError(.budget, "nothing is left")
    }
    for file in ImageFile.all {
      let e = #expect(throws: EngineError.self) { try ImageFile.decode(file.bytes, .rgb, none) }
      #expect(e?.message.contains("nothing is left") == true, "\(file)")
    }
  }

  @Test func manyAtOnce() async throws {
    let wrong = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          ImageFile.all.count {
            let got = try? ImageFile.decode($0.bytes)
            return got?.pixels.count != $0.rgb.count
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }
}
