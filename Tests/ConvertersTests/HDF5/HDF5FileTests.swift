import Formats
import Tensors
import Testing

@testable import Converters

@Suite struct HDF5FileTests {
  /// `kinds.h5` and `kinds_latest.h5` of `tools/oracle/convert/hdf5_kinds.py` hold every form of data that
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
    #expect(try tensor(file, "shapes/scalar").shape == [])
    #expect(try tensor(file, "shapes/empty").shape == [0, 4])
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

  @Test func groupsInAHeapAreRefused() throws {
    let file = try file("kinds_latest.h5")
    #expect {
      try file.root.child("dense")?.links()
    } throws: { error in
      (error as? EngineError)?.code == .unsupported && "\(error)".contains("fractal heap")
    }
  }

  @Test func manyMembersStandInAtree() throws {
    let file = try file("kinds.h5")
    let many = try #require(try file.root.child("many"))
    #expect(try many.links().count == 40)
    #expect(try tensor(file, "many/39").values(as: Int32.self) == [39])
  }

  /// Every dataset and attribute that can be reached; errors are as good as values.
  private func readAll(_ bytes: [UInt8]) {
    guard let file = try? bytes.withUnsafeBytes({ (b) in try FileBytes(copying: b) }),
      let hdf5 = try? HDF5File(file.bytes, keeper: file), let root = try? hdf5.root
    else { return }
    var open = [root]
    var left = 500
    while let object = open.popLast(), left > 0 {
      left -= 1
      for name in ["text", "fixed", "list"] { _ = try? object.attribute(name)?.texts() }
      if object.isDataset {
        _ = try? object.tensor("it")
        continue
      }
      for name in ((try? object.links()) ?? [:]).keys.sorted() {
        if let child = try? object.child(name) { open.append(child) }
      }
    }
    withExtendedLifetime(file) {}
  }

  /// Bytes changed at random, singly and in runs, read to an end.
  @Test(arguments: ["kinds.h5", "kinds_latest.h5"])
  func mutationsDoNotTrap(_ name: String) throws {
    let original = try KerasFixtures.bytes("hdf5/\(name)")
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func next(_ below: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(below))
    }
    for _ in 0..<2000 {
      var bytes = original
      for _ in 0...next(4) {
        let at = next(bytes.count)
        let run = next(3) == 0 ? 8 : 1
        for i in at..<min(at + run, bytes.count) {
          bytes[i] = [0, 0xFF, UInt8(next(256)), 0x80][next(4)]
        }
      }
      if next(8) == 0 { bytes.removeLast(next(bytes.count)) }
      readAll(bytes)
    }
  }
}
