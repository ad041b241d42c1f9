import Tensors

/// Writes a zip file front to back. The same members give the same bytes: the date is 1980-01-01.
///
/// The data of stored members begins at multiples of 64 bytes, by padding in an extra field, so that
/// tensors in a mapped file can be used in place. zip64 is written where sizes need it.
struct ZipWriter<Sink: ByteSink> {
  private(set) var sink: Sink
  private var offset = 0
  private var directory: [UInt8] = []
  private var names: Set<String> = []

  private static var alignment: Int { 64 }
  /// The id under which Android's `zipalign` pads.
  private static var paddingID: UInt16 { 0xD935 }

  init(_ sink: Sink) { self.sink = sink }

  /// Adds a member made of `parts`.
  ///
  /// Errors: `.usage` for a name that repeats or leads outside; those of the sink.
  mutating func add(
    _ name: String, _ parts: [UnsafeRawBufferPointer], compress: Bool = false
  ) throws(EngineError) {
    let nameBytes = Array(name.utf8)
    guard nameBytes.count < 0xFFFF, names.insert(name).inserted else {
      throw EngineError(.usage, "two members of a zip file would be named '\(name.prefix(80))'")
    }
    var size = 0
    var crc: UInt32 = 0
    for part in parts where part.count > 0 {
      size += part.count
      crc = CRC32.update(crc, part)
    }
    let packed = compress ? try Deflate.deflate(parts) : nil
    let stored = packed?.count ?? size
    let method: ZipEntry.Method = compress ? .deflate : .stored
    let isWide = size >= 0xFFFF_FFFF || stored >= 0xFFFF_FFFF

    var extra: [UInt8] = []
    if isWide {
      extra.appendLittle(UInt16(1))
      extra.appendLittle(UInt16(16))
      extra.appendLittle(UInt64(size))
      extra.appendLittle(UInt64(stored))
    }
    if !compress {
      let data = offset + 30 + nameBytes.count + extra.count + 4
      let padding = (ZipWriter.alignment - data % ZipWriter.alignment) % ZipWriter.alignment
      extra.appendLittle(ZipWriter.paddingID)
      extra.appendLittle(UInt16(padding))
      extra.append(contentsOf: [UInt8](repeating: 0, count: padding))
    }
    var common: [UInt8] = []
    common.appendLittle(UInt16(isWide ? 45 : 20))
    common.appendLittle(ZipEntry.utf8Name)
    common.appendLittle(method.rawValue)
    common.appendLittle(UInt16(0))
    // 1980-01-01, the first day that the format can say.
    common.appendLittle(UInt16(0x0021))
    common.appendLittle(crc)
    common.appendLittle(isWide ? UInt32.max : UInt32(stored))
    common.appendLittle(isWide ? UInt32.max : UInt32(size))
    common.appendLittle(UInt16(nameBytes.count))

    var header: [UInt8] = []
    header.appendLittle(ZipEntry.localSignature)
    header.append(contentsOf: common)
    header.appendLittle(UInt16(extra.count))
    header.append(contentsOf: nameBytes)
    header.append(contentsOf: extra)

    addToDirectory(
      common, nameBytes, wide: isWide ? [UInt64(size), UInt64(stored)] : [])
    try sink.write(header)
    if let packed {
      try sink.write(packed)
    } else {
      for part in parts where part.count > 0 { try sink.write(part) }
    }
    offset += header.count + stored
  }

  private mutating func addToDirectory(_ common: [UInt8], _ name: [UInt8], wide: [UInt64]) {
    var wide = wide
    if offset >= 0xFFFF_FFFF { wide.append(UInt64(offset)) }
    directory.appendLittle(ZipEntry.directorySignature)
    directory.appendLittle(UInt16(wide.isEmpty ? 20 : 45))
    directory.append(contentsOf: common)
    directory.appendLittle(UInt16(wide.isEmpty ? 0 : 4 + wide.count * 8))
    directory.append(contentsOf: [UInt8](repeating: 0, count: 10))
    directory.appendLittle(offset >= 0xFFFF_FFFF ? UInt32.max : UInt32(offset))
    directory.append(contentsOf: name)
    if !wide.isEmpty {
      directory.appendLittle(UInt16(1))
      directory.appendLittle(UInt16(wide.count * 8))
      for value in wide { directory.appendLittle(value) }
    }
  }

  /// Writes the directory. Nothing may be added after it.
  mutating func finish() throws(EngineError) {
    let (start, size, count) = (offset, directory.count, names.count)
    try sink.write(directory)
    var tail: [UInt8] = []
    if start >= 0xFFFF_FFFF || size >= 0xFFFF_FFFF || count >= 0xFFFF {
      tail.appendLittle(UInt32(0x0606_4B50))
      tail.appendLittle(UInt64(44))
      tail.appendLittle(UInt16(45))
      tail.appendLittle(UInt16(45))
      tail.appendLittle(UInt64(0))
      for value in [count, count, size, start] { tail.appendLittle(UInt64(value)) }
      tail.appendLittle(UInt32(0x0706_4B50))
      tail.appendLittle(UInt32(0))
      tail.appendLittle(UInt64(start + size))
      tail.appendLittle(UInt32(1))
    }
    tail.appendLittle(UInt32(0x0605_4B50))
    tail.appendLittle(UInt32(0))
    tail.appendLittle(UInt16(min(count, 0xFFFF)))
    tail.appendLittle(UInt16(min(count, 0xFFFF)))
    tail.appendLittle(UInt32(min(size, 0xFFFF_FFFF)))
    tail.appendLittle(UInt32(min(start, 0xFFFF_FFFF)))
    tail.appendLittle(UInt16(0))
    try sink.write(tail)
  }
}
