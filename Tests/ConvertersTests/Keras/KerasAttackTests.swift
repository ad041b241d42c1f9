import Formats
import Tensors
import Testing

@testable import Converters

@Suite struct KerasAttackTests {
  /// What each file must be refused with.
  static let refusals: [(file: String, code: EngineError.Code, text: String)] = [
    ("chunk_bomb.keras", .malformed, "never written"),
    ("external_link.keras", .unsupported, "external link"),
    ("external_link_latest.keras", .unsupported, "external link"),
    ("external_storage.keras", .unsupported, "another file"),
    ("function.keras", .unsupported, "'exec'"),
    ("lambda.keras", .unsupported, "holds code"),
    ("lambda_in_wrapper.keras", .unsupported, "holds code"),
    ("module.keras", .unsupported, "system"),
    ("module_layer.keras", .unsupported, "Dense"),
    ("shape_bomb.keras", .malformed, "more bytes than are stored"),
    ("soft_link.keras", .unsupported, "soft"),
    ("stateful.keras", .unsupported, "stateful"),
    ("traversal.keras", .malformed, "outside"),
    ("unsafe.keras", .unsupported, "enable_unsafe_deserialization"),
    ("virtual.keras", .unsupported, "virtual"),
    ("weights_npz.keras", .malformed, "HDF5"),
  ]

  @Test(arguments: refusals.indices)
  func attacksAreRefused(_ i: Int) throws {
    let (file, code, text) = Self.refusals[i]
    #expect {
      try Conversion.convert(path: "\(KerasFixtures.folder)/attacks/\(file)")
    } throws: { error in
      (error as? EngineError)?.code == code && "\(error)".contains(text)
    }
  }

  @Test func plainFilesAreNot() throws {
    for file in ["plain.keras", "plain.h5"] {
      let result = try Conversion.convert(path: "\(KerasFixtures.folder)/attacks/\(file)")
      #expect(result.model.graph.nodes.count == 1)
    }
  }

  /// Every truncation is refused, without a trap.
  @Test func truncationsAreRefused() throws {
    let archive = try KerasFixtures.bytes("attacks/plain.keras")
    for n in archive.indices {
      #expect(throws: EngineError.self) {
        try KerasFixtures.convert(Array(archive[..<n]), .keras)
      }
    }
    let legacy = try KerasFixtures.bytes("attacks/plain.h5")
    // The last bytes may be padding that nothing reads.
    for n in legacy.indices { _ = try? KerasFixtures.convert(Array(legacy[..<n]), .hdf5) }
  }

  /// One bit of every byte turned over is refused or read, without a trap. The archive's checksums
  /// refuse nearly all; the file of HDF5 has none.
  @Test func bitFlipsDoNotTrap() throws {
    var accepted = 0
    for (name, kind) in [("plain.h5", SourceKind.hdf5), ("plain.keras", .keras)] {
      var bytes = try KerasFixtures.bytes("attacks/\(name)")
      for i in bytes.indices {
        let bit = UInt8(1) << UInt8(i % 8)
        bytes[i] ^= bit
        if (try? KerasFixtures.convert(bytes, kind)) != nil { accepted += 1 }
        bytes[i] ^= bit
      }
    }
    #expect(accepted > 0)
  }
}
