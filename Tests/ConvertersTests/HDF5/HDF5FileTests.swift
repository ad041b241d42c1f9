import Formats
import Tensors
import Testing

@testable import Converters

@Suite struct HDF5FileTests {
  /// `kinds.h5` and `kinds_latest.h5` of `tools/oracle/hdf5_kinds.py` hold every form of data that
  /// is read, in the oldest and the newest layout of HDF5.
  private func file(_ name: String) throws -> HDF5File {
    let bytes = try KerasFixtures.bytes("hdf5/\(name)")
    let file = try bytes.withUnsafeBytes { (b) in try FileBytes(copying: b) }
    return try HDF5File(file.bytes, keeper: file)
  }

  private func tensor(_ file: HDF5File, _ path: String) throws -> Tensor {
    try #require(try file.root.descendant(path)).tensor(path)
  }

  @Test(arguments: ["kinds.h5", "kinds_latest.h5"])
  func elementTypesAreRead(_ name: String) throws {
    let file = try file(name)
    #expect(try tensor(file, "types/f4").values(as: Float.self) == [0, 1.5, -2, 3, 4, 5])
    #expect(try tensor(file, "types/f8").values(as: Double.self) == [0, 1.5, -2, 3, 4, 5])
    #expect(try tensor(file, "types/i8").values(as: Int64.self) == [0, 1, -2, 3, 4, 5])
    #expect(try tensor(file, "types/u1").values(as: UInt8.self) == [0, 1, 254, 3, 4, 5])
    #expect(try tensor(file, "types/f2").dtype == .float16)
    #expect(try tensor(file, "types/bool").values(as: Bool.self) == [true, false, true])
    #expect(try tensor(file, "types/text").strings == ["one", "three"])
    #expect(try tensor(file, "types/f4").shape == [2, 3])
    #expect(try tensor(file, "types/scalar").shape == [])
    #expect(try tensor(file, "types/empty").shape == [0, 4])
  }

  @Test func chunksAndFiltersAreUndone() throws {
    let file = try file("kinds.h5")
    let wanted = (0..<35).map { Float($0) }
    for path in ["plain", "deflate", "shuffle", "fletcher", "all"] {
      #expect(try tensor(file, "chunks/\(path)").values(as: Float.self) == wanted)
    }
    #expect(try tensor(file, "compact").values(as: Int32.self) == [7, 8, 9])
  }

  @Test(arguments: ["kinds.h5", "kinds_latest.h5"])
  func attributesAreRead(_ name: String) throws {
    let root = try file(name).root
    #expect(try root.attribute("text")?.text() == "héllo")
    #expect(try root.attribute("fixed")?.texts() == ["a", "bcd"])
    #expect(try root.attribute("list")?.texts() == ["x", "", "longer text"])
    #expect(try root.attribute("absent") == nil)
  }

  @Test func manyMembersStandInAtree() throws {
    let file = try file("kinds.h5")
    let many = try #require(try file.root.child("many"))
    #expect(try many.links().count == 40)
    #expect(try tensor(file, "many/39").values(as: Int32.self) == [39])
  }
}
