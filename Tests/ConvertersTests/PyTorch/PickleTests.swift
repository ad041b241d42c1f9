import Formats
import Tensors
import Testing

@testable import Converters

@Suite struct PickleTests {
  /// A pickle of protocol 2 with this body.
  private func pickle(_ body: [UInt8]...) -> [UInt8] { [0x80, 2] + body.joined() + [0x2E] }
  private func global(_ module: String, _ name: String) -> [UInt8] {
    [0x63] + Array(module.utf8) + [0x0A] + Array(name.utf8) + [0x0A]
  }
  private func text(_ s: String) -> [UInt8] {
    [0x58, UInt8(s.utf8.count), 0, 0, 0] + Array(s.utf8)
  }
  private func int(_ v: Int32) -> [UInt8] {
    [0x4A] + (0..<4).map { UInt8(truncatingIfNeeded: v >> (8 * $0)) }
  }
  /// `{name: tensor}` of one float32 tensor.
  private func tensor(
    elements: Int32, offset: Int32 = 0, size: Int32, stride: Int32 = 1,
    storage: String = "FloatStorage"
  ) -> [UInt8] {
    pickle(
      [0x7D], text("w"), global("torch._utils", "_rebuild_tensor_v2"), [0x28, 0x28],
      text("storage"), global("torch", storage), text("0"), text("cpu"), int(elements),
      [0x74, 0x51], int(offset), int(size), [0x85], int(stride), [0x85, 0x89], [0x7D],
      [0x74, 0x52, 0x73])
  }
  private func read(_ pickle: [UInt8], record: Int = 16) throws -> [(name: String, value: Tensor)] {
    try TorchFiles.read(
      checkpoint: try TorchFiles.checkpoint(
        pickle, records: [("0", (0..<record).map { UInt8($0 & 0x3F) })]))
  }

  @Test func stateDictionariesAreRead() throws {
    let tensors = try WeightFile.read("\(TorchFiles.folder)/weights/state.pt").tensors
    let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.value) })
    #expect(byName["layer.weight"]?.shape == [3, 4])
    #expect(try byName["layer.bias"]?.values(as: Float.self) == [2, 3, 4])
    #expect(
      try byName["turned"]?.values(as: Float.self) == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
    #expect(byName["half"]?.dtype == .float16)
    #expect(try byName["counter"]?.values(as: Int64.self) == [7])
    #expect(try byName["flags"]?.values(as: Bool.self) == [true, false])
  }

  @Test func tensorsOfCheckpointsHaveTheirPaths() throws {
    let names = try WeightFile.read("\(TorchFiles.folder)/weights/checkpoint.pth").tensors.map(
      \.name)
    #expect(names.contains("state_dict.layer.weight"))
    #expect(names.contains("list.0") && names.contains("list.1.0"))
  }

  @Test func tensorsAreViewsOfTheFile() throws {
    let list = try read(tensor(elements: 4, size: 4))
    #expect(list.first?.value.storage.isBorrowed == true)
  }

  @Test func callsOfPythonAreRefusedByName() {
    for (module, name) in [
      ("os", "system"), ("builtins", "eval"), ("posix", "system"), ("torch", "load"),
      ("torch.hub", "load"), ("torch._utils", "_rebuild_sparse_tensor"), ("numpy", "ndarray"),
    ] {
      let body = pickle(global(module, name), text("id"), [0x85, 0x52])
      let error = refusal { try read(body) }
      #expect(error?.code == .unsupported)
      #expect(error?.message.contains("\(module).\(name)") == true)
      // As Python 3 writes it.
      let modern = pickle(text(module), text(name), [0x93])
      #expect(refusal { try read(modern) }?.code == .unsupported)
    }
  }

  @Test func itemsAreSetOnDictionariesOnly() {
    #expect(refusal { try read(pickle([0x5D], text("k"), text("v"), [0x73])) }?.code == .malformed)
    #expect(
      refusal { try read(pickle([0x5D, 0x28], text("k"), text("v"), [0x75])) }?.code == .malformed)
    #expect(refusal { try read(pickle([0x7D], text("v"), [0x61])) }?.code == .malformed)
    #expect(refusal { try read(pickle([0x29, 0x7D, 0x62])) }?.code == .malformed)
    #expect(
      refusal { try read(pickle(text("x"), [0x29, 0x52])) }?.code == .malformed)
  }

  @Test func storagesMustBeTheirRecords() {
    #expect(throws: Never.self) { try read(tensor(elements: 4, size: 4)) }
    #expect(refusal { try read(tensor(elements: 5, size: 4)) }?.code == .malformed)
    #expect(refusal { try read(tensor(elements: 4, size: 4), record: 12) }?.code == .malformed)
    #expect(
      refusal { try read(tensor(elements: 4, size: 4, storage: "DoubleStorage")) }?.code
        == .malformed)
    #expect(refusal { try read(tensor(elements: 4, offset: 1, size: 4)) }?.code == .malformed)
    #expect(refusal { try read(tensor(elements: 4, size: 2, stride: 4)) }?.code == .malformed)
    #expect(refusal { try read(tensor(elements: 4, size: -1)) }?.code == .malformed)
    #expect(refusal { try read(tensor(elements: 4, offset: -1, size: 4)) }?.code == .malformed)
    #expect(refusal { try read(tensor(elements: 4, size: .max, stride: .max)) } != nil)
    #expect(throws: Never.self) { try read(tensor(elements: 4, size: 0)) }
  }

  @Test func bombsAreBounded() throws {
    // Lists that hold each other twice: 2^60 visits.
    var body: [UInt8] = [0x5D, 0x71, 0]
    for i in 0..<60 {
      body += [0x5D, 0x68, UInt8(i), 0x61, 0x68, UInt8(i), 0x61, 0x71, UInt8(i + 1)]
    }
    body += [0x71, 100] + [UInt8](repeating: 0x30, count: 60)
    let bomb = pickle(body, [0x30], [0x68, 60])
    #expect(refusal { try read(bomb) }?.code == .budget)
    // A list within itself.
    #expect(refusal { try read(pickle([0x5D, 0x71, 0, 0x68, 0, 0x61])) }?.code == .budget)
    // Tuples a million deep: freed without recursion.
    let deep = pickle([0x29], [UInt8](repeating: 0x85, count: 1_000_000))
    #expect(refusal { try read(deep) }?.code == .budget)
    // A long run of marks and pops on an empty stack.
    #expect(refusal { try read(pickle([0x30])) }?.code == .malformed)
    #expect(refusal { try read(pickle([0x74])) }?.code == .malformed)
    #expect(refusal { try read(pickle([0x68, 9])) }?.code == .malformed)
  }

  @Test func cutAndFlippedFilesDoNotTrap() throws {
    for name in ["state.pt", "checkpoint.pth"] {
      let bytes = try TorchFiles.bytes("weights/\(name)")
      for length in 0..<bytes.count {
        #expect(refusal { try TorchFiles.read(checkpoint: Array(bytes[..<length])) } != nil)
      }
      for place in bytes.indices {
        for bit in 0..<8 {
          var copy = bytes
          copy[place] ^= 1 << UInt8(bit)
          _ = try? TorchFiles.read(checkpoint: copy)
        }
      }
    }
    // Without the archive's checksums in the way.
    let body = tensor(elements: 4, size: 4)
    for place in body.indices {
      for bit in 0..<8 {
        var copy = body
        copy[place] ^= 1 << UInt8(bit)
        _ = try? read(copy)
      }
    }
  }

  @Test func bigEndianAndCompressedArchivesAreRefused() throws {
    let big = try TorchFiles.archive([
      ("a/data.pkl", pickle([0x7D])), ("a/byteorder", Array("big".utf8)),
    ])
    #expect(refusal { try TorchFiles.read(checkpoint: big) }?.code == .unsupported)
    let outside = try TorchFiles.archive([
      ("a/data.pkl", pickle([0x7D])), ("../data/0", [0]),
    ])
    #expect(refusal { try TorchFiles.read(checkpoint: outside) }?.code == .malformed)
  }
}
