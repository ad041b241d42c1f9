import Formats
import Tensors

/// A small value attached to a group or dataset.
struct HDF5Attribute {
  let name: String
  private let file: HDF5File
  private let datatype: HDF5Datatype
  private let dataspace: HDF5Dataspace
  private let data: HDF5Cursor

  /// Errors: `.malformed`; `.unsupported` for a committed type and for a type that is not read.
  init(_ file: HDF5File, _ message: HDF5Header.Message) throws(EngineError) {
    self.file = file
    var cursor = try file.cursor(at: message.start, count: message.count)
    let version = try cursor.byte()
    guard (1...3).contains(version) else {
      throw HDF5File.malformed("an attribute of version \(version)", message.start)
    }
    let flags = try cursor.byte()
    guard version == 1 || flags == 0, !message.isShared else {
      throw HDF5File.refused("an attribute whose type or sizes stand elsewhere")
    }
    let sizes = (try cursor.short(), try cursor.short(), try cursor.short())
    if version == 3 { try cursor.skip(1) }
    func padded(_ n: Int) -> Int { version == 1 ? (n + 7) / 8 * 8 : n }
    name = try cursor.text(padded(sizes.0))
    var type = try file.cursor(at: cursor.at, count: padded(sizes.1))
    try cursor.skip(padded(sizes.1))
    var space = try file.cursor(at: cursor.at, count: padded(sizes.2))
    try cursor.skip(padded(sizes.2))
    datatype = try HDF5Datatype(&type)
    dataspace = try HDF5Dataspace(&space)
    data = try file.cursor(at: cursor.at, count: cursor.left)
  }

  /// Its texts, one for each element.
  ///
  /// Errors: `.malformed` where it is no text, or its text is not UTF-8.
  func texts() throws(EngineError) -> [String] {
    var cursor = data
    let count = try dataspace.count()
    guard count <= data.left / datatype.size else {
      throw HDF5File.malformed("attribute '\(name)' is cut off", data.at)
    }
    var result: [String] = []
    for _ in 0..<count {
      switch datatype.form {
      case .text(let isBlankPadded):
        let text = try cursor.text(datatype.size)
        result.append(isBlankPadded ? String(text.trimmingBlanks) : text)
      case .heapText: result.append(try heapText(&cursor))
      default: throw HDF5File.malformed("attribute '\(name)' is no text", data.at)
      }
    }
    return result
  }

  /// Its only text.
  ///
  /// Errors: as `texts`, and `.malformed` where there are none or several.
  func text() throws(EngineError) -> String {
    let all = try texts()
    guard all.count == 1, let first = all.first else {
      throw HDF5File.malformed("attribute '\(name)' has \(all.count) texts", data.at)
    }
    return first
  }

  /// A text of the global heap: its length, the heap's address, the object's number.
  private func heapText(_ cursor: inout HDF5Cursor) throws(EngineError) -> String {
    let length = try cursor.word()
    let address = try cursor.address()
    let index = try cursor.word()
    guard length > 0 else { return "" }
    guard let address else { throw HDF5File.malformed("a text stands nowhere", cursor.at) }
    var heap = try file.cursor(at: address)
    try heap.expect("GCOL")
    try heap.skip(4)
    let size = try heap.length()
    let header = 8 + file.widths.length
    guard size >= header, file.bytes.slice(address, size) != nil else {
      throw HDF5File.malformed("a heap is cut off", address)
    }
    heap = try file.cursor(at: address + header, count: size - header)
    while heap.left >= header {
      let found = try heap.short()
      try heap.skip(6)
      let count = try heap.length()
      if found == 0 { break }
      guard count <= heap.left else { throw HDF5File.malformed("a heap is cut off", heap.at) }
      if found == index {
        guard length <= count else {
          throw HDF5File.malformed("a text is longer than its place", heap.at)
        }
        return try heap.text(length)
      }
      try heap.skip(min(heap.left, count + (8 - count % 8) % 8))
    }
    throw HDF5File.malformed("a heap lacks object \(index)", address)
  }
}

extension StringProtocol {
  /// Without blanks at its end.
  var trimmingBlanks: SubSequence {
    var end = endIndex
    while end > startIndex, self[index(before: end)] == " " { end = index(before: end) }
    return self[..<end]
  }
}
