import Formats
import Tensors

/// The members of a group, from a symbol table or from link messages.
struct HDF5Links {
  private(set) var places: [String: Int] = [:]
  private let file: HDF5File
  private var visited: Set<Int> = []

  /// Errors: `.malformed` for loops and names that repeat; `.unsupported` for links that are not
  /// hard and for dense groups.
  init(_ object: HDF5Object) throws(EngineError) {
    file = object.file
    for message in object.header.all(HDF5Header.Kind.symbolTable) {
      var cursor = try file.cursor(at: message.start, count: message.count)
      guard let tree = try cursor.address(), let heap = try cursor.address() else {
        throw HDF5File.malformed("a group has no table of names", message.start)
      }
      try readNode(tree, names: try heapData(at: heap), level: nil)
    }
    for message in object.header.all(HDF5Header.Kind.link) { try readLink(message) }
    if let message = object.header.first(HDF5Header.Kind.linkInfo) {
      var cursor = try file.cursor(at: message.start, count: message.count)
      try cursor.skip(1)
      if try cursor.byte() & 1 != 0 { try cursor.skip(8) }
      guard try cursor.address() == nil else {
        throw HDF5File.refused("a group whose links stand in a fractal heap")
      }
    }
  }

  private mutating func add(_ name: String, _ place: Int, at offset: Int) throws(EngineError) {
    guard !name.isEmpty, places.updateValue(place, forKey: name) == nil else {
      throw HDF5File.malformed("the name '\(name)' is no name or repeats", offset)
    }
    guard places.count <= file.limits.members else {
      throw EngineError(.budget, "a group of the HDF5 file has too many members")
    }
  }

  /// The range of the heap's data segment, where names stand.
  private func heapData(at address: Int) throws(EngineError) -> HDF5Cursor {
    var cursor = try file.cursor(at: address)
    try cursor.expect("HEAP")
    try cursor.skip(4)
    let size = try cursor.length()
    _ = try cursor.length()
    guard let start = try cursor.address() else {
      throw HDF5File.malformed("a heap has no data", address)
    }
    return try file.cursor(at: start, count: size)
  }

  private mutating func readNode(
    _ address: Int, names: HDF5Cursor, level: Int?
  ) throws(EngineError) {
    guard visited.insert(address).inserted else {
      throw HDF5File.malformed("a tree runs in a circle", address)
    }
    var cursor = try file.cursor(at: address)
    try cursor.expect("TREE")
    guard try cursor.byte() == 0 else {
      throw HDF5File.malformed("a node of another tree stands here", address)
    }
    let found = try cursor.byte()
    // Each step goes one level down, so that the depth is bounded.
    guard level.map({ $0 - 1 == found }) ?? (found < 32) else {
      throw HDF5File.malformed("a tree has a wrong depth", address)
    }
    let count = try cursor.short()
    try cursor.skip(2 * file.widths.address + file.widths.length)
    for _ in 0..<count {
      guard let child = try cursor.address() else {
        throw HDF5File.malformed("a tree has an empty branch", cursor.at)
      }
      try cursor.skip(file.widths.length)
      if found > 0 {
        try readNode(child, names: names, level: found)
      } else {
        try readSymbols(child, names: names)
      }
    }
  }

  private mutating func readSymbols(_ address: Int, names: HDF5Cursor) throws(EngineError) {
    guard visited.insert(address).inserted else {
      throw HDF5File.malformed("a tree runs in a circle", address)
    }
    var cursor = try file.cursor(at: address)
    try cursor.expect("SNOD")
    try cursor.skip(2)
    let count = try cursor.short()
    for _ in 0..<count {
      let start = cursor.at
      let offset = try cursor.unsigned(bytes: file.widths.address)
      let place = try cursor.address()
      let cache = try cursor.word()
      try cursor.skip(20)
      var name = names
      try name.skip(offset)
      let text = try name.terminatedText()
      guard cache != 2, let place else { throw Self.notHard(text) }
      try add(text, place, at: start)
    }
  }

  private mutating func readLink(_ message: HDF5Header.Message) throws(EngineError) {
    var cursor = try file.cursor(at: message.start, count: message.count)
    guard try cursor.byte() == 1 else {
      throw HDF5File.malformed("a link of an unknown version", message.start)
    }
    let flags = try cursor.byte()
    let type = flags & 8 != 0 ? try cursor.byte() : 0
    if flags & 4 != 0 { try cursor.skip(8) }
    if flags & 16 != 0 { try cursor.skip(1) }
    let length = try cursor.unsigned(bytes: 1 << (flags & 3))
    guard length <= cursor.left else {
      throw HDF5File.malformed("the name of a link is cut off", cursor.at)
    }
    let name = try cursor.text(length)
    guard type == 0 else { throw Self.notHard(name) }
    guard let place = try cursor.address() else {
      throw HDF5File.malformed("the link '\(name)' leads nowhere", message.start)
    }
    try add(name, place, at: message.start)
  }

  private static func notHard(_ name: String) -> EngineError {
    EngineError(
      .unsupported, "HDF5: '\(name)' is a soft or external link, which is not followed",
      hint: "such links can make a file read others; save the model anew")
  }
}
