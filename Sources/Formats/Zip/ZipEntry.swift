import Tensors

/// A member of a zip file, as its central directory tells.
package struct ZipEntry {
  package enum Method: UInt16 {
    case stored = 0
    case deflate = 8
  }
  package var name: String
  package var method: Method
  package var flags: UInt16
  package var crc: UInt32
  package var compressedSize: Int
  package var size: Int
  /// Where the local header begins.
  package var headerOffset: Int
  /// Bytes of the central directory that the entry takes.
  package var length: Int

  package static let directorySignature: UInt32 = 0x0201_4B50
  package static let localSignature: UInt32 = 0x0403_4B50
  /// Bit 0: encrypted. Bit 3: sizes and checksum follow the data. Bit 11: the name is UTF-8.
  package static let encrypted: UInt16 = 1
  package static let descriptorFollows: UInt16 = 8
  package static let utf8Name: UInt16 = 1 << 11

  /// Reads the entry at `offset` of the central directory `bytes`.
  ///
  /// Errors: `.malformed` for a broken entry, `.unsupported` for encryption, other methods and files
  /// in several parts.
  package init(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(EngineError) {
    guard bytes.little(UInt32.self, at: offset) == ZipEntry.directorySignature,
      let flags = bytes.little(UInt16.self, at: offset + 8),
      let method = bytes.little(UInt16.self, at: offset + 10),
      let crc = bytes.little(UInt32.self, at: offset + 16),
      let compressed = bytes.little(UInt32.self, at: offset + 20),
      let size = bytes.little(UInt32.self, at: offset + 24),
      let nameLength = bytes.little(UInt16.self, at: offset + 28),
      let extraLength = bytes.little(UInt16.self, at: offset + 30),
      let commentLength = bytes.little(UInt16.self, at: offset + 32),
      let disk = bytes.little(UInt16.self, at: offset + 34),
      let header = bytes.little(UInt32.self, at: offset + 42),
      let name = bytes.slice(offset + 46, Int(nameLength)),
      let extra = bytes.slice(offset + 46 + Int(nameLength), Int(extraLength)),
      bytes.slice(offset + 46 + Int(nameLength) + Int(extraLength), Int(commentLength)) != nil
    else { throw ZipEntry.malformed("an entry of the directory is cut off", offset) }
    self.name = try ZipEntry.checked(name, isUTF8: flags & ZipEntry.utf8Name != 0)
    guard flags & ZipEntry.encrypted == 0 else {
      throw EngineError(.unsupported, "zip member '\(self.name)' is encrypted")
    }
    guard let known = Method(rawValue: method) else {
      throw EngineError(
        .unsupported, "zip member '\(self.name)' is compressed by method \(method)",
        expected: "0 (stored) or 8 (deflate)")
    }
    self.method = known
    self.flags = flags
    self.crc = crc
    let wide = try Wide(
      extra, size: size, compressed: compressed, header: header, disk: disk)
    guard wide.disk == 0 else {
      throw EngineError(.unsupported, "the zip file is one of several parts")
    }
    self.size = wide.size
    compressedSize = wide.compressed
    headerOffset = wide.header
    length = 46 + Int(nameLength) + Int(extraLength) + Int(commentLength)
    guard known == .deflate || self.size == compressedSize else {
      throw ZipEntry.malformed("stored member '\(self.name)' has two sizes", offset)
    }
    guard self.size / Deflate.maxRatio <= compressedSize else {
      throw ZipEntry.malformed(
        "member '\(self.name)' claims \(self.size) bytes from \(compressedSize)", offset)
    }
  }

  /// A member's name: UTF-8, relative, without `..`.
  package static func checked(_ bytes: UnsafeRawBufferPointer, isUTF8: Bool) throws(EngineError)
    -> String
  {
    guard isUTF8 || bytes.allSatisfy({ $0 < 0x80 }),
      let name = String(validating: bytes, as: UTF8.self), !name.isEmpty,
      !bytes.contains(0), !bytes.contains(0x5C)
    else { throw EngineError(.malformed, "a zip member's name is not UTF-8 text") }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.hasPrefix("/"), !parts.contains(".."), !parts.contains(".") else {
      throw EngineError(.malformed, "zip member '\(name)' points outside of its archive")
    }
    return name
  }

  package static func malformed(_ message: String, _ offset: Int) -> EngineError {
    EngineError(.malformed, "zip: \(message)", subject: .init(offset: offset))
  }

  /// Sizes, taken from the zip64 field wherever the narrow one is full.
  struct Wide {
    var size: Int
    var compressed: Int
    var header: Int
    var disk: Int

    init(
      _ extra: UnsafeRawBufferPointer, size: UInt32, compressed: UInt32, header: UInt32,
      disk: UInt16
    ) throws(EngineError) {
      self.size = Int(size)
      self.compressed = Int(compressed)
      self.header = Int(header)
      self.disk = Int(disk)
      let needed = size == .max || compressed == .max || header == .max || disk == .max
      var at = 0
      var found = false
      while at < extra.count {
        // Some writers pad with fewer bytes than a field has.
        guard let id = extra.little(UInt16.self, at: at),
          let length = extra.little(UInt16.self, at: at + 2)
        else { break }
        guard let field = extra.slice(at + 4, Int(length)) else {
          throw EngineError(.malformed, "zip: an extra field is cut off")
        }
        at += 4 + Int(length)
        guard id == 1 else { continue }
        guard !found else { throw EngineError(.malformed, "zip: two zip64 fields") }
        found = true
        var place = 0
        func next() throws(EngineError) -> Int {
          guard let value = field.little(UInt64.self, at: place), let narrow = Int(exactly: value)
          else { throw EngineError(.malformed, "zip: a zip64 field is wrong") }
          place += 8
          return narrow
        }
        if size == .max { self.size = try next() }
        if compressed == .max { self.compressed = try next() }
        if header == .max { self.header = try next() }
        if disk == .max {
          guard let value = field.little(UInt32.self, at: place) else {
            throw EngineError(.malformed, "zip: a zip64 field is wrong")
          }
          self.disk = Int(value)
        }
      }
      guard found || !needed else { throw EngineError(.malformed, "zip: no zip64 field") }
    }
  }
}
