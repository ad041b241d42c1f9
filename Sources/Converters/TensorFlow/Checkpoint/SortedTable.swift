import Formats
import Tensors

/// The entries of a LevelDB table: blocks of keys that share prefixes, an index of the blocks, and
/// a footer.
///
/// Layout (LevelDB's `doc/table_format.md`): a footer of 48 bytes ends the file with the places of
/// two blocks and a magic number; a block is followed by its compression and its CRC-32C.
struct SortedTable {
  private let bytes: UnsafeRawBufferPointer
  /// The most entries that are read.
  static let maxEntries = 4_000_000

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Calls `body` with each key and value in order.
  ///
  /// Errors: `.malformed` for damaged tables; `.unsupported` for compressed blocks; `.budget`.
  func forEach(
    _ body: (_ key: [UInt8], _ value: Range<Int>) throws(EngineError) -> Void
  ) throws(EngineError) {
    let reader = WireReader(bytes)
    guard bytes.count >= 48,
      bytes.little(UInt64.self, at: bytes.count - 8) == 0xDB47_7524_8B80_FB57
    else { throw EngineError(.malformed, "the index of the checkpoint is no LevelDB table") }
    var at = bytes.count - 48
    for _ in 0..<2 { _ = try reader.varint(&at, end: bytes.count - 8) }
    let index = try block(try handle(&at, end: bytes.count - 8))
    var count = 0
    try entries(index) { (_, value) throws(EngineError) in
      var at = value.lowerBound
      let data = try block(try handle(&at, end: value.upperBound))
      try entries(data) { (key, value) throws(EngineError) in
        count += 1
        guard count <= Self.maxEntries else {
          throw EngineError(.budget, "the checkpoint has too many entries")
        }
        try body(key, value)
      }
    }
  }

  /// The place of a block: offset and size.
  private func handle(_ at: inout Int, end: Int) throws(EngineError) -> (UInt64, UInt64) {
    let reader = WireReader(bytes)
    return (try reader.varint(&at, end: end), try reader.varint(&at, end: end))
  }

  /// The contents of a block, its sum checked.
  private func block(_ handle: (offset: UInt64, size: UInt64)) throws(EngineError) -> Range<Int> {
    guard let offset = Int(exactly: handle.offset), let size = Int(exactly: handle.size),
      offset <= bytes.count, size <= bytes.count - offset - 5
    else { throw EngineError(.malformed, "a block of the checkpoint's index lies outside of it") }
    let end = offset + size
    guard bytes[end] == 0 else {
      throw EngineError(
        .unsupported, "a block of the checkpoint's index is compressed", expected: "kind 0",
        received: "kind \(bytes[end])")
    }
    var sum = CRC32C()
    sum.update(UnsafeRawBufferPointer(rebasing: bytes[offset...end]))
    guard bytes.little(UInt32.self, at: end + 1) == sum.masked else {
      throw EngineError(
        .malformed, "the checkpoint's index is damaged", expected: "the sum that its block states",
        subject: .init(offset: offset))
    }
    return offset..<end
  }

  /// Walks a block: how much of the key is shared, how much follows, the value's size.
  private func entries(
    _ block: Range<Int>,
    _ body: (_ key: [UInt8], _ value: Range<Int>) throws(EngineError) -> Void
  ) throws(EngineError) {
    guard block.count >= 4,
      let restarts = bytes.little(UInt32.self, at: block.upperBound - 4),
      Int(restarts) <= (block.count - 4) / 4
    else { throw EngineError(.malformed, "a block of the checkpoint's index has no end") }
    let end = block.upperBound - 4 - 4 * Int(restarts)
    let reader = WireReader(bytes)
    var key: [UInt8] = []
    var at = block.lowerBound
    while at < end {
      let shared = try reader.varint(&at, end: end, bytes: 5)
      let own = try reader.varint(&at, end: end, bytes: 5)
      let size = try reader.varint(&at, end: end, bytes: 5)
      guard shared <= UInt64(key.count), own <= UInt64(end - at),
        size <= UInt64(end - at) - own
      else {
        throw EngineError(
          .malformed, "an entry of the checkpoint's index runs past its block",
          subject: .init(offset: at))
      }
      key.removeSubrange(Int(shared)...)
      key.append(contentsOf: bytes[at..<(at + Int(own))])
      at += Int(own)
      let value = at..<(at + Int(size))
      at += Int(size)
      try body(key, value)
    }
  }
}
