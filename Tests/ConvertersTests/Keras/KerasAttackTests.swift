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
    for n in stride(from: 0, to: legacy.count, by: 3) {
      // The last bytes may be padding that nothing reads.
      _ = try? KerasFixtures.convert(Array(legacy[..<n]), .hdf5)
    }
  }

  /// Every single bit turned over is refused or read, without a trap. The archive's checksums refuse
  /// nearly all; the file of HDF5 has none.
  @Test func bitFlipsDoNotTrap() throws {
    var legacy = try KerasFixtures.bytes("attacks/plain.h5")
    var accepted = 0
    for i in legacy.indices {
      for bit in 0..<8 {
        legacy[i] ^= 1 << UInt8(bit)
        if (try? KerasFixtures.convert(legacy, .hdf5)) != nil { accepted += 1 }
        legacy[i] ^= 1 << UInt8(bit)
      }
    }
    #expect(accepted < legacy.count * 8)
    var archive = try KerasFixtures.bytes("attacks/plain.keras")
    for i in archive.indices {
      archive[i] ^= 1 << UInt8(i % 8)
      _ = try? KerasFixtures.convert(archive, .keras)
      archive[i] ^= 1 << UInt8(i % 8)
    }
  }
}
