import Formats
import Glibc
import Tensors
import Testing

@testable import Converters

@Suite struct CheckpointTests {
  /// RFC 3720, B.4.
  @Test func sumsAreThoseOfTheStandard() {
    func sum(_ bytes: [UInt8]) -> UInt32 {
      var crc = CRC32C()
      bytes.withUnsafeBytes { crc.update($0) }
      return crc.value
    }
    #expect(sum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(sum(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(sum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(sum(Array("123456789".utf8)) == 0xE306_9283)
  }

  /// A table of one block.
  private func table(_ entries: [(key: String, value: [UInt8])]) -> [UInt8] {
    func block(_ list: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
      var b: [UInt8] = []
      for (key, value) in list {
        b += Proto.varint(0) + Proto.varint(key.count) + Proto.varint(value.count) + key + value
      }
      b += [0, 0, 0, 0, 1, 0, 0, 0, 0]
      var crc = CRC32C()
      b.withUnsafeBytes { crc.update($0) }
      let sum = crc.masked
      return b + (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(8 * $0)) }
    }
    let data = block(entries.map { (Array($0.key.utf8), $0.value) })
    let handle = Proto.varint(0) + Proto.varint(data.count - 5)
    let index = block([(Array("~".utf8), handle)])
    var footer = Proto.varint(0) + Proto.varint(0)
    footer += Proto.varint(data.count) + Proto.varint(index.count - 5)
    footer += Array(repeating: 0, count: 40 - footer.count)
    return data + index + footer + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
  }

  /// A folder with a checkpoint of these entries and one shard of 16 bytes.
  private func bundle(
    _ entry: [UInt8], key: String = "w"
  ) throws(EngineError) -> CheckpointBundle {
    var name = Array("/tmp/dlrun-bundle-XXXXXX".utf8CString)
    mkdtemp(&name)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    mkdir(path + "/variables", 0o755)
    let header = Proto.field(1, int: 1)
    write(table([("", header), (key, entry)]), path + "/variables/variables.index")
    write(
      Array(repeating: 0, count: 16), path + "/variables/variables.data-00000-of-00001")
    return try CheckpointBundle(ModelFolder(path: path))
  }

  private func write(_ bytes: [UInt8], _ path: String) {
    let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    bytes.withUnsafeBytes { _ = Glibc.write(fd, $0.baseAddress, $0.count) }
    close(fd)
  }

  private func entry(
    dims: [Int], shard: Int = 0, offset: Int = 0, size: Int
  ) -> [UInt8] {
    Proto.field(1, int: 1)
      + Proto.field(2, dims.flatMap { Proto.field(2, Proto.field(1, int: $0)) })
      + Proto.field(3, int: shard) + Proto.field(4, int: offset) + Proto.field(5, int: size)
  }

  private func code(_ entry: [UInt8]) -> EngineError.Code? {
    do throws(EngineError) {
      _ = try bundle(entry).tensor("w")
      return nil
    } catch { return error.code }
  }

  @Test func variablesAreViewsOfTheirShard() throws {
    #expect(try bundle(entry(dims: [4], size: 16)).tensor("w").shape == [4])
  }

  @Test func placesOutsideTheShardAreRefused() {
    #expect(code(entry(dims: [4], offset: 4, size: 16)) == .malformed)
    #expect(code(entry(dims: [4], offset: -4, size: 16)) == .malformed)
    #expect(code(entry(dims: [4], offset: Int.max, size: 16)) == .malformed)
    #expect(code(entry(dims: [4], size: 12)) == .malformed)
    #expect(code(entry(dims: [1 << 40, 1 << 40], size: 16)) == .shape)
    #expect(code(entry(dims: [4], shard: 1, size: 16)) == .malformed)
    #expect(code(entry(dims: [4], shard: -1, size: 16)) == .malformed)
  }

  @Test func damagedTablesAreRefused() {
    let good = table([("", Proto.field(1, int: 1)), ("w", entry(dims: [4], size: 16))])
    func walk(_ bytes: [UInt8]) -> Bool {
      bytes.withUnsafeBytes { buffer in
        do throws(EngineError) {
          try SortedTable(buffer).forEach { (_, _) throws(EngineError) in }
          return true
        } catch { return false }
      }
    }
    #expect(walk(good))
    for n in 0..<good.count { #expect(!walk(Array(good[..<n]))) }
    for i in 0..<(good.count * 8) {
      var changed = good
      changed[i / 8] ^= 1 << UInt8(i % 8)
      _ = walk(changed)
    }
  }

  @Test func filesAreOpenedBeneathTheFolderOnly() throws {
    let outside = Scratch([1, 2, 3])
    var name = Array("/tmp/dlrun-folder-XXXXXX".utf8CString)
    mkdtemp(&name)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    symlink(outside.path, path + "/link")
    for location in ["../x", "a/../../x", "/etc/passwd", "", ".", "a//b", "link"] {
      #expect(throws: EngineError.self) { try ModelFolder(path: path).file(location) }
    }
  }
}
