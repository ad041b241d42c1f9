import Formats
import Glibc
import Tensors
import Testing

@testable import Converters

@Suite struct SafeTensorsShardsTests {
  private func shard(_ name: String) throws -> [UInt8] {
    var contents = SafeTensors.Contents()
    contents.tensors = [(name, try Tensor([1, 2] as [Float]))]
    var sink = MemorySink()
    try SafeTensors.write(contents, to: &sink)
    return sink.bytes
  }
  private func index(_ map: String) -> [UInt8] {
    Array("{\"metadata\":{\"total_size\":16},\"weight_map\":{\(map)}}".utf8)
  }

  @Test func tensorsOfAllShardsAreRead() throws {
    try TorchFiles.withFolder { folder in
      try TorchFiles.write(try shard("a"), to: "\(folder)/one.safetensors")
      try TorchFiles.write(try shard("b"), to: "\(folder)/two.safetensors")
      let path = "\(folder)/model.safetensors.index.json"
      try TorchFiles.write(index("\"a\":\"one.safetensors\",\"b\":\"two.safetensors\""), to: path)
      let (kind, tensors) = try WeightFile.read(path)
      #expect(kind == .safetensorsIndex && tensors.map(\.name) == ["a", "b"])
    }
  }

  @Test func shardsOutsideTheFolderAreRefused() throws {
    try TorchFiles.withFolder { folder in
      try TorchFiles.write(try shard("a"), to: "\(folder)/one.safetensors")
      let path = "\(folder)/model.safetensors.index.json"
      for name in [
        "../one.safetensors", "/etc/passwd", "x/../one.safetensors", "./one.safetensors", "", "..",
        "a\\\\b", "one.safetensors\\u0000",
      ] {
        try TorchFiles.write(index("\"a\":\"\(name)\""), to: path)
        #expect(refusal { try WeightFile.read(path) }?.code == .malformed, "\(name)")
      }
      #expect(symlink("\(folder)/one.safetensors", "\(folder)/link.safetensors") == 0)
      try TorchFiles.write(index("\"a\":\"link.safetensors\""), to: path)
      #expect(refusal { try WeightFile.read(path) }?.code == .malformed)
      try TorchFiles.write(index("\"a\":\"none.safetensors\""), to: path)
      #expect(refusal { try WeightFile.read(path) }?.code == .inputMissing)
      try TorchFiles.write(index("\"z\":\"one.safetensors\""), to: path)
      #expect(refusal { try WeightFile.read(path) }?.code == .malformed)
      try TorchFiles.write(index("\"a\":7"), to: path)
      #expect(refusal { try WeightFile.read(path) }?.code == .malformed)
      try TorchFiles.write(Array("{}".utf8), to: path)
      #expect(refusal { try WeightFile.read(path) }?.code == .malformed)
    }
  }
}
