import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct ZipTests {
  /// An archive built by hand, so that each part can lie.
  struct Member {
    var name = "a.npy"
    var localName: String?
    var data: [UInt8] = [1, 2, 3]
    var packed: [UInt8]?
    var method: UInt16 = 0
    var flags: UInt16 = 0
    var localFlags: UInt16?
    var size: UInt32?
    var localSize: UInt32?
    var crc: UInt32?
    var descriptor = false
    var headerOffset: UInt32?
    var extra: [UInt8] = []
  }

  func zip(_ members: [Member], prefix: [UInt8] = [], comment: [UInt8] = [], count: Int? = nil)
    -> [UInt8]
  {
    var bytes = prefix
    var directory: [UInt8] = []
    for m in members {
      let offset = UInt32(bytes.count)
      let packed = m.packed ?? m.data
      let crc = m.crc ?? m.data.withUnsafeBytes { CRC32.of($0) }
      let size = m.size ?? UInt32(m.data.count)
      func common(_ flags: UInt16, _ crc: UInt32, _ packed: UInt32, _ size: UInt32, _ name: String)
        -> [UInt8]
      {
        var c: [UInt8] = []
        c.appendLittle(UInt16(20))
        c.appendLittle(flags)
        c.appendLittle(m.method)
        c.appendLittle(UInt32(0x0021_0000))
        c.appendLittle(crc)
        c.appendLittle(packed)
        c.appendLittle(size)
        c.appendLittle(UInt16(name.utf8.count))
        return c
      }
      let local = m.localName ?? m.name
      bytes.appendLittle(ZipEntry.localSignature)
      bytes +=
        m.descriptor
        ? common(m.flags, 0, 0, 0, local)
        : common(m.localFlags ?? m.flags, crc, UInt32(packed.count), m.localSize ?? size, local)
      bytes.appendLittle(UInt16(0))
      bytes += Array(local.utf8) + packed
      if m.descriptor {
        bytes.appendLittle(UInt32(0x0807_4B50))
        for value in [crc, UInt32(packed.count), size] { bytes.appendLittle(value) }
      }
      directory.appendLittle(ZipEntry.directorySignature)
      directory.appendLittle(UInt16(20))
      directory += common(m.flags, crc, UInt32(packed.count), size, m.name)
      directory.appendLittle(UInt16(m.extra.count))
      directory += [UInt8](repeating: 0, count: 10)
      directory.appendLittle(m.headerOffset ?? offset)
      directory += Array(m.name.utf8) + m.extra
    }
    let start = bytes.count
    bytes += directory
    bytes.appendLittle(UInt32(0x0605_4B50))
    bytes.appendLittle(UInt32(0))
    bytes.appendLittle(UInt16(count ?? members.count))
    bytes.appendLittle(UInt16(count ?? members.count))
    bytes.appendLittle(UInt32(directory.count))
    bytes.appendLittle(UInt32(start))
    bytes.appendLittle(UInt16(comment.count))
    return bytes + comment
  }

  func unpack(_ bytes: [UInt8], _ limits: TensorLimits = TensorLimits()) throws -> [[UInt8]] {
    try bytes.withUnsafeBytes { buffer in
      let archive = try ZipArchive(buffer, limits: limits)
      return try archive.entries.indices.map { i in
        var out = [UInt8](repeating: 0, count: archive.entries[i].size)
        try out.withUnsafeMutableBytes { try archive.unpack(i, into: $0) }
        return out
      }
    }
  }

  func deflated(_ data: [UInt8]) throws -> [UInt8] {
    try data.withUnsafeBytes { try Deflate.deflate([$0]) }
  }

  func code(_ members: [Member], _ limits: TensorLimits = TensorLimits()) -> EngineError.Code? {
    failure { try unpack(zip(members), limits) }?.code
  }

  @Test func unpacksBothMethods() throws {
    let data = [UInt8](repeating: 7, count: 5000)
    let archive = zip(
      [
        Member(), Member(name: "b/c", data: data, packed: try deflated(data), method: 8),
        Member(
          name: "late", data: data, packed: try deflated(data), method: 8, flags: 8,
          descriptor: true),
        Member(name: "é", data: [], flags: 1 << 11),
      ], comment: Array("hello".utf8))
    #expect(try unpack(archive) == [[1, 2, 3], data, data, []])
  }

  @Test func refusesHeadersThatDiffer() {
    #expect(code([Member()]) == nil)
    #expect(code([Member(localName: "b.npy")]) == .malformed)
    #expect(code([Member(localFlags: 2)]) == .malformed)
    #expect(code([Member(localSize: 4)]) == .malformed)
    #expect(code([Member(crc: 1)]) == .malformed)
    #expect(code([Member(size: 4)]) == .malformed)
    #expect(code([Member(headerOffset: 1)]) == .malformed)
    #expect(code([Member(headerOffset: 0xFFFF_FFFF)]) == .malformed)
  }

  @Test func refusesNamesThatLeadOutside() {
    for name in ["/a", "../a", "a/../../b", "a\\b", "", "a\0b", "./a", "é"] {
      #expect(code([Member(name: name)]) == .malformed, "\(name)")
    }
    #expect(code([Member(), Member()]) == .malformed)
  }

  @Test func refusesOverlap() {
    // Two entries of the directory that share one member's data.
    #expect(code([Member(), Member(name: "a.npx", headerOffset: 0)]) == .malformed)
    #expect(failure { try unpack(zip([Member()], prefix: [0])) }?.code == .malformed)
    #expect(failure { try unpack([0] + zip([Member()])) }?.code == .malformed)
    #expect(failure { try unpack(zip([Member()]) + [0]) }?.code == .malformed)
    #expect(failure { try unpack(zip([Member()], count: 2)) }?.code == .malformed)
    #expect(failure { try unpack(zip([Member()], count: 65535)) }?.code == .malformed)
  }

  @Test func refusesOtherFeatures() {
    #expect(code([Member(flags: 1)]) == .unsupported)
    #expect(code([Member(method: 12)]) == .unsupported)
    var wide: [UInt8] = []
    wide.appendLittle(UInt16(1))
    wide.appendLittle(UInt16(8))
    wide.appendLittle(UInt64.max)
    #expect(code([Member(size: .max, extra: wide)]) == .malformed)
    #expect(code([Member(size: .max)]) == .malformed)
    #expect(code([Member(extra: [1, 0, 200, 0])]) == .malformed)
  }

  @Test func refusesBombs() throws {
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    let packed = try deflated(zeros)
    let bomb = Member(data: zeros, packed: packed, method: 8)
    #expect(code([bomb]) == nil)
    var small = TensorLimits()
    small.bytes = 1 << 19
    #expect(code([bomb], small) == .budget)
    small.bytes = 3 << 19
    #expect(
      code([bomb, Member(name: "b", data: zeros, packed: packed, method: 8)], small) == .budget)
    small.members = 1
    #expect(code([Member(), Member(name: "b")], small) == .budget)
    // More than deflate can give, and less and more than the data gives.
    #expect(code([Member(packed: [3, 0], method: 8, size: 1 << 30)]) == .malformed)
    for size in [UInt32(zeros.count - 1), UInt32(zeros.count + 1), 0] {
      #expect(code([Member(data: zeros, packed: packed, method: 8, size: size)]) == .malformed)
    }
    #expect(code([Member(data: zeros, packed: Array(packed.dropLast()), method: 8)]) == .malformed)
    #expect(code([Member(data: zeros, packed: packed + [0], method: 8)]) == .malformed)
    #expect(code([Member(packed: [0xFF, 0xFF], method: 8)]) == .malformed)
    #expect(code([Member(packed: [], method: 8)]) == .malformed)
  }

  @Test func namesTheArrayThatIsWrong() {
    let archive = zip([Member(name: "weights.npy", data: [1, 2, 3])])
    let error = failure { try archive.withUnsafeBytes { try NPZ.read($0) } }
    #expect(error?.message.contains("'weights'") == true)
    let other = zip([Member(name: "readme.txt")])
    #expect(failure { try other.withUnsafeBytes { try NPZ.read($0) } }?.code == .malformed)
  }
}
