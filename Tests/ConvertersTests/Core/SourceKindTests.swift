import Converters
import TestSupport
import Testing

@Suite struct SourceKindTests {
  @Test func contentTellsTheKind() throws {
    try inTemporaryFolder { folder in
      for (bytes, kind) in [
        ([0x08, 0x0A, 0x12, 0x02, 0x64, 0x6C], .onnx), ([0x1F, 0x8B, 8, 0], .onnx),
        (Array("GGUF".utf8) + [3, 0, 0, 0], .gguf), ([0x93] + Array("NUMPY".utf8) + [1, 0], .npy),
        ([0x18, 0, 0, 0] + Array("TFL3".utf8), .tflite), ([0x80, 2, 0x7D], .torchWeights),
        ([16, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8), .safetensors),
      ] as [([UInt8], SourceKind)] {
        try writeBytes(bytes, folder + "/model.bin")
        #expect(try SourceKind.of(path: folder + "/model.bin") == kind)
      }
    }
  }

  @Test func textsAreOfNoKind() throws {
    try inTemporaryFolder { folder in
      try writeBytes(Array("rows,price\none,2\n".utf8), folder + "/model.onnx")
      #expect {
        try SourceKind.of(path: folder + "/model.onnx")
      } throws: { "\($0)".contains("of no kind that can be converted") }
    }
  }
}
