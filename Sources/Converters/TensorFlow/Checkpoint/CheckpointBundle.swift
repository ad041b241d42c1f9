import Formats
import Tensors

/// The variables of a SavedModel: an index, and shards that hold the elements.
///
/// The index is a `SortedTable` of `BundleEntryProto`s (1 type, 2 shape, 3 shard, 4 offset, 5 size,
/// 6 CRC-32C, 7 slices) under the variables' keys; the entry of the empty key is the header (1 number
/// of shards, 2 byte order).
final class CheckpointBundle {
  private struct Entry {
    var code = 0
    var dims: [Int]?
    var shard = 0
    var offset = 0
    var size = 0
    var sum: UInt32?
    var isSliced = false
  }
  private let folder: ModelFolder
  private let index: FileBytes
  private var entries: [String: Entry] = [:]
  private var shardCount = 1
  private var shards: [Int: FileBytes] = [:]

  /// - `folder`: the model's; the bundle is `variables/variables.*` within it.
  init(_ folder: ModelFolder) throws(EngineError) {
    self.folder = folder
    index = try folder.file("variables/variables.index", limit: 1 << 31)
    let file = index
    try SortedTable(file.bytes).forEach { (key, value) throws(EngineError) in
      let message = ProtoMessage(file, value)
      if key.isEmpty {
        try readHeader(message)
      } else {
        entries[String(decoding: key, as: UTF8.self)] = try Self.entry(message)
      }
    }
  }

  private func readHeader(_ message: ProtoMessage) throws(EngineError) {
    try message.forEach { (f) throws(EngineError) in
      if f.number == 1 { shardCount = f.int }
      if f.number == 2, f.int != 0 {
        throw EngineError(.unsupported, "the checkpoint was written big-endian")
      }
    }
    guard (1...100_000).contains(shardCount) else {
      throw EngineError(.malformed, "the checkpoint has \(shardCount) shards")
    }
  }

  private static func entry(_ message: ProtoMessage) throws(EngineError) -> Entry {
    var e = Entry()
    e.dims = []
    try message.forEach { (f) throws(EngineError) in
      switch f.number {
      case 1: e.code = f.int
      case 2: e.dims = try TFShape.dims(f.message)
      case 3: e.shard = f.int
      case 4: e.offset = f.int
      case 5: e.size = f.int
      case 6: e.sum = UInt32(truncatingIfNeeded: f.bits)
      case 7: e.isSliced = true
      default: break
      }
    }
    return e
  }

  func has(_ key: String) -> Bool { entries[key] != nil }
  var keys: [String] { entries.keys.sorted() }

  /// The variable stored under `key`: a view of its shard.
  ///
  /// Errors: `.invalidModel` where there is none; `.malformed` for places outside the shard, sizes
  /// that do not fit, and sums that differ.
  func tensor(_ key: String) throws(EngineError) -> Tensor {
    guard let entry = entries[key] else {
      throw EngineError(.invalidModel, "the checkpoint holds no '\(key)'")
    }
    do throws(EngineError) {
      guard !entry.isSliced, let dims = entry.dims, let dtype = TFElementType.dtype(entry.code)
      else { throw EngineError(.unsupported, "the variable is stored in slices or has no type") }
      let type = TensorType(dtype, try Shape(checking: dims))
      let file = try shard(entry.shard)
      guard entry.offset >= 0, entry.size >= 0, entry.offset <= file.bytes.count,
        entry.size <= file.bytes.count - entry.offset
      else {
        throw EngineError(
          .malformed, "the variable lies outside its shard",
          expected: "bytes of \(file.bytes.count)",
          received: "\(entry.size) bytes from byte \(entry.offset)")
      }
      let range = entry.offset..<(entry.offset + entry.size)
      if dtype == .string { return try strings(type.shape, range, file) }
      guard entry.size == type.byteCount else {
        throw EngineError(
          .malformed, "the variable has the wrong size for \(type)",
          expected: "\(type.byteCount) bytes", received: "\(entry.size)")
      }
      if let sum = entry.sum {
        var crc = CRC32C()
        crc.update(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
        guard SumCheck.agree(crc.masked, sum) else {
          throw EngineError(.malformed, "the variable is damaged: its sum differs")
        }
      }
      let tensor = try Tensor.reading(type, range, of: file)
      tensor.storage.releasePages()
      return tensor
    } catch { throw error.at(node: key) }
  }

  /// Strings: their lengths, the lengths' sum (4 bytes), then their bytes.
  private func strings(
    _ shape: Shape, _ range: Range<Int>, _ file: FileBytes
  ) throws(EngineError) -> Tensor {
    guard shape.count <= range.count else {
      throw EngineError(.malformed, "the variable has fewer bytes than strings")
    }
    let reader = WireReader(file.bytes)
    var at = range.lowerBound
    var lengths: [UInt64] = []
    for _ in 0..<shape.count {
      lengths.append(try reader.varint(&at, end: range.upperBound))
    }
    at += 4
    var values: [String] = []
    for length in lengths {
      guard at <= range.upperBound, length <= UInt64(range.upperBound - at) else {
        throw EngineError(.malformed, "a string runs past its variable")
      }
      values.append(String(decoding: file.bytes[at..<(at + Int(length))], as: UTF8.self))
      at += Int(length)
    }
    return try Tensor(shape: shape, strings: values)
  }

  private func shard(_ number: Int) throws(EngineError) -> FileBytes {
    if let known = shards[number] { return known }
    guard (0..<shardCount).contains(number) else {
      throw EngineError(
        .malformed, "the variable lies in a shard that does not exist",
        expected: "0 to \(shardCount - 1)", received: "\(number)")
    }
    func padded(_ n: Int) -> String {
      let digits = String(n)
      return String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
    }
    let name = "variables/variables.data-\(padded(number))-of-\(padded(shardCount))"
    let file = try folder.file(name)
    shards[number] = file
    return file
  }

  /// The bytes of a scalar string as a message: the object graph.
  func message(_ key: String) throws(EngineError) -> ProtoMessage? {
    guard let entry = entries[key], entry.code == TFElementType.string, entry.dims == [] else {
      return nil
    }
    let file = try shard(entry.shard)
    guard entry.offset >= 0, entry.size >= 0, entry.offset <= file.bytes.count,
      entry.size <= file.bytes.count - entry.offset
    else { return nil }
    var at = entry.offset
    let end = entry.offset + entry.size
    let length = try WireReader(file.bytes).varint(&at, end: end)
    at += 4
    guard at <= end, length == UInt64(end - at) else { return nil }
    return ProtoMessage(file, at..<end)
  }
}
