import Tensors

/// A zip file in memory: its members, each checked against its local header and its checksum.
///
/// Accepted are members that are stored or deflated, with zip64 where sizes need it. Refused are
/// bytes before the first or behind the last structure, members that overlap, whose two headers
/// differ, whose names repeat or lead outside, encryption, and archives in parts.
///
/// Source: PKWARE APPNOTE 6.3.10.
package struct ZipArchive {
  package let bytes: UnsafeRawBufferPointer
  package private(set) var entries: [ZipEntry] = []
  /// Where each entry's data begins.
  private var dataOffsets: [Int] = []

  /// Reads the directory and every local header; the members' data stays untouched.
  ///
  /// Errors: `.malformed`, `.unsupported`, `.budget` for too many members or bytes.
  package init(_ bytes: UnsafeRawBufferPointer, limits: TensorLimits) throws(EngineError) {
    self.bytes = bytes
    let directory = try ZipArchive.directory(of: bytes)
    guard directory.count <= limits.members else {
      throw EngineError(
        .budget, "the zip file has too many members", expected: "at most \(limits.members)",
        received: "\(directory.count)")
    }
    var at = directory.offset
    var total = 0
    var names: Set<String> = []
    for _ in 0..<directory.count {
      let entry = try ZipEntry(bytes, at: at)
      at += entry.length
      guard names.insert(entry.name).inserted else {
        throw ZipEntry.malformed("two members are named '\(entry.name)'", at - entry.length)
      }
      // Stored members are used where they lie, or copied at their own size.
      let made = entry.method == .deflate ? entry.size : 0
      let (sum, overflow) = total.addingReportingOverflow(made)
      guard !overflow, sum <= limits.bytes else {
        throw EngineError(
          .budget, "the members of the zip file are too large",
          expected: "at most \(limits.bytes) bytes")
      }
      total = sum
      entries.append(entry)
    }
    guard at == directory.offset + directory.size else {
      throw ZipEntry.malformed("the directory's size is wrong", directory.offset)
    }
    try checkLocalHeaders(end: directory.offset)
  }

  private struct Directory {
    var offset: Int
    var size: Int
    var count: Int
  }

  private static func directory(of bytes: UnsafeRawBufferPointer) throws(EngineError) -> Directory {
    let length = 22
    guard bytes.count >= length else {
      throw EngineError(.malformed, "zip: the file is too short", received: "\(bytes.count) bytes")
    }
    var end = bytes.count - length
    let lowest = max(0, end - 0xFFFF)
    // The record is the one whose comment ends with the file.
    while bytes.little(UInt32.self, at: end) != 0x0605_4B50
      || bytes.little(UInt16.self, at: end + 20).map({ end + length + Int($0) }) != bytes.count
    {
      guard end > lowest else {
        throw EngineError(
          .malformed, "zip: there is no end of directory; the file is cut off or not a zip")
      }
      end -= 1
    }
    guard let disk = bytes.little(UInt16.self, at: end + 4),
      let startDisk = bytes.little(UInt16.self, at: end + 6),
      let here = bytes.little(UInt16.self, at: end + 8),
      let count = bytes.little(UInt16.self, at: end + 10),
      let size = bytes.little(UInt32.self, at: end + 12),
      let offset = bytes.little(UInt32.self, at: end + 16)
    else { throw ZipEntry.malformed("the end of directory is cut off", end) }
    var result = Directory(offset: Int(offset), size: Int(size), count: Int(count))
    var behind = end
    if bytes.little(UInt32.self, at: end - 20) == 0x0706_4B50 {
      guard let place = bytes.little(UInt64.self, at: end - 12), let at = Int(exactly: place),
        bytes.little(UInt32.self, at: at) == 0x0606_4B50,
        let recordSize = bytes.little(UInt64.self, at: at + 4),
        let wideHere = bytes.little(UInt64.self, at: at + 24),
        let wideCount = bytes.little(UInt64.self, at: at + 32),
        let wideSize = bytes.little(UInt64.self, at: at + 40),
        let wideOffset = bytes.little(UInt64.self, at: at + 48),
        recordSize >= 44, at <= end - 20 - 56,
        Int(exactly: recordSize) == end - 20 - at - 12, wideHere == wideCount,
        let c = Int(exactly: wideCount), let s = Int(exactly: wideSize),
        let o = Int(exactly: wideOffset),
        count == .max || Int(count) == c, size == .max || Int(size) == s,
        offset == .max || Int(offset) == o
      else { throw ZipEntry.malformed("the zip64 end of directory is wrong", end - 20) }
      result = Directory(offset: o, size: s, count: c)
      behind = at
    } else if disk != 0 || startDisk != 0 || here != count {
      throw EngineError(.unsupported, "the zip file is one of several parts")
    }
    let (directoryEnd, overflow) = result.offset.addingReportingOverflow(result.size)
    guard !overflow, directoryEnd == behind, result.count <= result.size / 46 else {
      throw ZipEntry.malformed("the directory does not lie where its end says", end)
    }
    return result
  }

  /// Compares local headers with the directory, and sees that no member overlaps another.
  private mutating func checkLocalHeaders(end: Int) throws(EngineError) {
    var ranges: [(from: Int, to: Int)] = []
    for entry in entries {
      let at = entry.headerOffset
      guard bytes.little(UInt32.self, at: at) == ZipEntry.localSignature,
        let flags = bytes.little(UInt16.self, at: at + 6),
        let method = bytes.little(UInt16.self, at: at + 8),
        let crc = bytes.little(UInt32.self, at: at + 14),
        let compressed = bytes.little(UInt32.self, at: at + 18),
        let size = bytes.little(UInt32.self, at: at + 22),
        let nameLength = bytes.little(UInt16.self, at: at + 26),
        let extraLength = bytes.little(UInt16.self, at: at + 28),
        let name = bytes.slice(at + 30, Int(nameLength)),
        let extra = bytes.slice(at + 30 + Int(nameLength), Int(extraLength))
      else { throw ZipEntry.malformed("member '\(entry.name)' has no local header", at) }
      let wide = try ZipEntry.Wide(extra, size: size, compressed: compressed, header: 0, disk: 0)
      let late = flags & ZipEntry.descriptorFollows != 0
      let same =
        wide.size == entry.size && wide.compressed == entry.compressedSize && crc == entry.crc
      let absent = late && wide.size == 0 && wide.compressed == 0 && crc == 0
      guard same || absent, flags == entry.flags, method == entry.method.rawValue,
        name.elementsEqual(entry.name.utf8)
      else { throw ZipEntry.malformed("the two headers of '\(entry.name)' differ", at) }
      let data = at + 30 + Int(nameLength) + Int(extraLength)
      guard bytes.slice(data, entry.compressedSize) != nil else {
        throw ZipEntry.malformed("member '\(entry.name)' goes past the end of the file", at)
      }
      dataOffsets.append(data)
      ranges.append((at, data + entry.compressedSize))
    }
    ranges.sort { $0.from < $1.from }
    if let first = ranges.first, first.from > 0 {
      throw ZipEntry.malformed("bytes stand before the first member", 0)
    }
    var free = 0
    for range in ranges {
      guard range.from >= free else { throw ZipEntry.malformed("members overlap", range.from) }
      free = range.to
    }
    guard free <= end else { throw ZipEntry.malformed("a member overlaps the directory", free) }
  }

  /// The bytes of a stored member where they lie, or nil when it is compressed. Unchecked as yet.
  package func storedBytes(_ index: Int) -> UnsafeRawBufferPointer? {
    guard entries[index].method == .stored else { return nil }
    return bytes.slice(dataOffsets[index], entries[index].size)
  }

  /// Unpacks a member into `output` of its size, and checks it.
  ///
  /// Errors: `.malformed` when it does not unpack to its size or its checksum differs.
  package func unpack(_ index: Int, into output: UnsafeMutableRawBufferPointer) throws(EngineError)
  {
    let entry = entries[index]
    guard let input = bytes.slice(dataOffsets[index], entry.compressedSize) else { return }
    switch entry.method {
    case .stored: output.copyMemory(from: input)
    case .deflate:
      do throws(EngineError) { try Deflate.inflate(input, into: output) } catch {
        throw EngineError(
          error.code, "zip member '\(entry.name)': \(error.message)",
          subject: .init(offset: entry.headerOffset))
      }
    }
    try checkSum(index, UnsafeRawBufferPointer(output))
  }

  /// Errors: `.malformed` when `data` is not what the member's checksum was made from.
  package func checkSum(_ index: Int, _ data: UnsafeRawBufferPointer) throws(EngineError) {
    guard SumCheck.agree(CRC32.of(data), entries[index].crc) else {
      throw ZipEntry.malformed(
        "the checksum of '\(entries[index].name)' is wrong; the file is damaged",
        entries[index].headerOffset)
    }
  }
}
