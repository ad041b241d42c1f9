import Formats
import Tensors

/// The messages of an object's header, of version 1 or 2, with its continuations.
struct HDF5Header {
  struct Message {
    let type: Int
    let flags: Int
    /// Where its data stands in the file.
    let start: Int
    let count: Int
    /// A message that stands elsewhere: a committed datatype.
    var isShared: Bool { flags & 2 != 0 }
  }

  enum Kind {
    static let dataspace = 0x1
    static let linkInfo = 0x2
    static let datatype = 0x3
    static let link = 0x6
    static let externalFiles = 0x7
    static let layout = 0x8
    static let filters = 0xB
    static let attribute = 0xC
    static let continuation = 0x10
    static let symbolTable = 0x11
    static let attributeInfo = 0x15
  }

  private(set) var messages: [Message] = []

  private static let maxMessages = 65_536
  private static let maxBlocks = 4_096

  /// Errors: `.malformed`; `.unsupported` for a version that is not read.
  init(_ file: HDF5File, at address: Int) throws(EngineError) {
    var blocks: [(start: Int, count: Int)] = []
    var cursor = try file.cursor(at: address)
    let isModern = file.bytes.slice(address, 4)?.elementsEqual("OHDR".utf8) == true
    var tracksOrder = false
    if isModern {
      try cursor.expect("OHDR")
      let version = try cursor.byte()
      guard version == 2 else { throw HDF5File.refused("an object header of version \(version)") }
      let flags = try cursor.byte()
      tracksOrder = flags & 4 != 0
      if flags & 0x20 != 0 { try cursor.skip(16) }
      if flags & 0x10 != 0 { try cursor.skip(4) }
      let count = try cursor.unsigned(bytes: 1 << (flags & 3))
      blocks.append((cursor.at, count))
    } else {
      let version = try cursor.byte()
      guard version == 1 else { throw HDF5File.refused("an object header of version \(version)") }
      try cursor.skip(7)
      let count = try cursor.word()
      try cursor.skip(4)
      blocks.append((cursor.at, count))
    }
    var next = 0
    while next < blocks.count {
      let (start, count) = blocks[next]
      next += 1
      var block = try file.cursor(at: start, count: count)
      while true {
        let head = isModern ? (tracksOrder ? 6 : 4) : 8
        guard block.left >= head else { break }
        let type = isModern ? try block.byte() : try block.short()
        let size = try block.short()
        let flags = try block.byte()
        try block.skip(head - (isModern ? 4 : 5))
        let message = Message(type: type, flags: flags, start: block.at, count: size)
        var data = try file.cursor(at: block.at, count: size)
        guard size <= block.left else {
          throw HDF5File.malformed("a message goes past its header", block.at)
        }
        try block.skip(size)
        if type == Kind.continuation {
          guard let place = try data.address() else {
            throw HDF5File.malformed("a header goes on nowhere", message.start)
          }
          let length = try data.length()
          guard blocks.count < Self.maxBlocks, !blocks.contains(where: { $0.start == place })
          else { throw HDF5File.malformed("a header goes on without end", message.start) }
          blocks.append(try Self.continuation(file, place, length, isModern: isModern))
        } else if type != 0 {
          guard messages.count < Self.maxMessages else {
            throw HDF5File.malformed("an object has too many messages", message.start)
          }
          messages.append(message)
        }
      }
    }
  }

  private static func continuation(
    _ file: HDF5File, _ place: Int, _ length: Int, isModern: Bool
  ) throws(EngineError) -> (Int, Int) {
    var cursor = try file.cursor(at: place, count: length)
    guard isModern else { return (place, length) }
    try cursor.expect("OCHK")
    guard length >= 8 else { throw HDF5File.malformed("a header is cut off", place) }
    return (cursor.at, length - 8)
  }

  func first(_ type: Int) -> Message? { messages.first { $0.type == type } }
  func all(_ type: Int) -> [Message] { messages.filter { $0.type == type } }
}
