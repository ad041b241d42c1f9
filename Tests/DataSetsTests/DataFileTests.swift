import DataSets
import Formats
import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct DataFileTests {
  /// An IDX file of uint8.
  static func idx(_ sizes: [Int], _ bytes: [UInt8]) -> [UInt8] {
    var file: [UInt8] = [0, 0, 8, UInt8(sizes.count)]
    for n in sizes {
      file += [UInt8(n >> 24 & 255), UInt8(n >> 16 & 255), UInt8(n >> 8 & 255), UInt8(n & 255)]
    }
    return file + bytes
  }

  @Test func idxOfBytesAndNumbers() throws {
    try inTemporaryFolder { folder in
      let path = "\(folder)/a.idx"
      try writeBytes(Self.idx([2, 3], [1, 2, 3, 4, 5, 6]), path)
      let t = try IDX.read(path)
      #expect(t.shape == [2, 3])
      #expect(Array(t.elements(UInt8.self)) == [1, 2, 3, 4, 5, 6])
      try writeBytes([0, 0, 11, 1, 0, 0, 0, 2, 0x01, 0x02, 0xFF, 0xFE], path)
      #expect(Array(try IDX.read(path).elements(Int16.self)) == [258, -2])
      try writeBytes([0, 0, 13, 1, 0, 0, 0, 1, 0x3F, 0x80, 0, 0], path)
      #expect(Array(try IDX.read(path).elements(Float.self)) == [1])
    }
  }

  @Test func idxThatIsNone() throws {
    try inTemporaryFolder { folder in
      let path = "\(folder)/a.idx"
      let good = Self.idx([2, 3], [1, 2, 3, 4, 5, 6])
      for n in 0..<good.count {
        try writeBytes(Array(good.prefix(n)), path)
        #expect(throws: EngineError.self) { try IDX.read(path) }
      }
      try writeBytes(good + [0], path)
      #expect(throws: EngineError.self) { try IDX.read(path) }
      try writeBytes([0, 0, 14, 3] + [UInt8](repeating: 255, count: 12), path)
      #expect(throws: EngineError.self) { try IDX.read(path) }
    }
  }

  @Test func mnistFolderWithGzip() throws {
    try inTemporaryFolder { folder in
      let images = Self.idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])
      try writeBytes(images, "\(folder)/train-images-idx3-ubyte")
      try writeBytes(Self.idx([2], [0, 1]), "\(folder)/train-labels-idx1-ubyte")
      try writeBytes(images, "\(folder)/t10k-images.idx3-ubyte")
      #expect(MNIST.isFolder(folder))
      #expect(throws: EngineError.self) { try MNIST(folder: folder) }
      try writeBytes(Self.idx([2], [1, 0]), "\(folder)/t10k-labels-idx1-ubyte")
      let zip = Process()
      zip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      zip.arguments = ["gzip", "\(folder)/t10k-labels-idx1-ubyte"]
      try zip.run()
      zip.waitUntilExit()
      let m = try MNIST(folder: folder)
      #expect(m.trainImages.shape == [2, 2, 2])
      #expect(Array(m.testLabels.elements(UInt8.self)) == [1, 0])
    }
  }

  @Test func cifarPlanesBecomePixels() throws {
    try inTemporaryFolder { folder in
      let path = "\(folder)/data.bin"
      var bytes: [UInt8] = [3]
      for plane: UInt8 in 1...3 { bytes += [UInt8](repeating: plane, count: 1024) }
      try writeBytes(bytes + bytes, path)
      let (images, labels) = try CIFAR.read([path])
      #expect(images.shape == [2, 32, 32, 3])
      #expect(Array(images.elements(UInt8.self).prefix(6)) == [1, 2, 3, 1, 2, 3])
      #expect(Array(labels.elements(Int64.self)) == [3, 3])
      try writeBytes(bytes + [1], path)
      #expect(throws: EngineError.self) { try CIFAR.read([path]) }
    }
  }

  /// A colour image without compression that needs no library.
  static func ppm(_ width: Int, _ height: Int, _ rgb: [UInt8]) -> [UInt8] {
    Array("P6\n\(width) \(height)\n255\n".utf8)
      + (0..<width * height).flatMap { _ in rgb }
  }

  @Test func imageFolders() throws {
    try inTemporaryFolder { folder in
      for name in ["blue", "red"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      }
      try writeBytes(Self.ppm(4, 2, [0, 0, 255]), "\(folder)/blue/a.ppm")
      try writeBytes(Self.ppm(8, 4, [255, 0, 0]), "\(folder)/red/b.ppm")
      let images = try ImageFolder(folder)
      #expect(images.classes == ["blue", "red"])
      #expect((images.height, images.width, images.isGray) == (2, 4, false))
      let batch = try images.batch([1, 0])
      #expect(batch.inputs[0].shape == [2, 2, 4, 3])
      #expect(Array(batch.inputs[0].elements(Float.self).prefix(3)) == [255, 0, 0])
      #expect(Array(batch.targets[0].elements(Int64.self)) == [1, 0])
      try writeBytes(Array("P6\n9 9\n255\n".utf8), "\(folder)/red/c.ppm")
      let broken = try ImageFolder(folder)
      #expect(throws: EngineError.self) { try broken.batch([2]) }
      #expect(throws: EngineError.self) { try ImageFolder("\(folder)/red") }
    }
  }

  @Test func textWindows() throws {
    let text = try CharacterText("hello, hello")
    #expect(text.vocabulary == [" ", ",", "e", "h", "l", "o"])
    #expect(text.text(text.numbers.map { Int($0) }) == "hello, hello")
    let windows = try TextWindows(text.numbers, length: 4, stride: 2)
    #expect(windows.count == 4)
    let batch = try windows.batch([3, 0])
    #expect(text.text(batch.inputs[0].elements(Int64.self).map { Int($0) }) == " helhell")
    #expect(text.text(batch.targets[0].elements(Int64.self).map { Int($0) }) == "hellello")
    #expect(throws: EngineError.self) { try CharacterText("aaa") }
    #expect(throws: EngineError.self) { try TextWindows(text.numbers, length: 12, stride: 1) }
  }

  @Test func archives() throws {
    try inTemporaryFolder { folder in
      let path = "\(folder)/a.npz"
      try TensorFile.write(
        [("x", Tensor([1, 2, 3] as [Float])), ("label", Tensor([0, 1, 0] as [Int64]))], to: path)
      let read = try ArrayFile.read(path)
      #expect(read.name == "label")
      #expect(read.inputs.map(\.name) == ["x"])
      #expect(throws: EngineError.self) { try ArrayFile.read(path, target: "z") }
    }
  }
}
