/// A GGUF file made by hand.
struct GGUFBytes {
  struct Entry {
    var name: String
    var dims: [UInt64]
    var type: UInt32
    var data: [UInt8]
    /// Where the header says that the data lies; nil: where it does.
    var offset: UInt64?
  }

  var version: UInt32 = 3
  var pairs: [(key: String, type: UInt32, value: [UInt8])] = []
  var entries: [Entry] = []
  var alignment = 32
  var tensorCount: UInt64?
  var pairCount: UInt64?

  static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  static func string(_ text: String) -> [UInt8] {
    little(UInt64(text.utf8.count)) + Array(text.utf8)
  }

  var bytes: [UInt8] {
    var result = Array("GGUF".utf8) + Self.little(version)
    result += Self.little(tensorCount ?? UInt64(entries.count))
    result += Self.little(pairCount ?? UInt64(pairs.count))
    for (key, type, value) in pairs {
      result += Self.string(key) + Self.little(type) + value
    }
    var offset = 0
    for e in entries {
      result += Self.string(e.name) + Self.little(UInt32(e.dims.count))
      for d in e.dims { result += Self.little(d) }
      result += Self.little(e.type) + Self.little(e.offset ?? UInt64(offset))
      offset = (offset + e.data.count + alignment - 1) / alignment * alignment
    }
    func pad() { while result.count % alignment != 0 { result.append(0) } }
    pad()
    for e in entries {
      result += e.data
      pad()
    }
    return result
  }
}
