import Tensors

/// Where the elements of a dataset stand.
enum HDF5Layout {
  /// In the message itself, or one after the other in the file.
  case contiguous(start: Int, count: Int)
  /// Nowhere: nothing was written.
  case absent
  /// In chunks of `dims` elements, listed by the B-tree at `tree`.
  case chunked(tree: Int, dims: [Int], elementSize: Int)

  /// Errors: `.malformed`; `.unsupported` for virtual datasets and newer chunk indexes.
  init(_ file: HDF5File, _ message: HDF5Header.Message, elements: Int) throws(EngineError) {
    var cursor = try file.cursor(at: message.start, count: message.count)
    let version = try cursor.byte()
    switch version {
    case 1, 2: self = try Self.old(&cursor, elements: elements)
    case 3, 4: self = try Self.current(&cursor, version)
    default: throw HDF5File.refused("a data layout of version \(version)")
    }
  }

  private static func current(
    _ cursor: inout HDF5Cursor, _ version: Int
  ) throws(EngineError) -> HDF5Layout {
    let kind = try cursor.byte()
    switch kind {
    case 0:
      let size = try cursor.short()
      let start = cursor.at
      try cursor.skip(size)
      return .contiguous(start: start, count: size)
    case 1:
      guard let start = try cursor.address() else { return .absent }
      return .contiguous(start: start, count: try cursor.length())
    case 2 where version == 3:
      return try chunks(&cursor, rank: try cursor.byte())
    case 2: throw HDF5File.refused("a chunk index newer than the B-tree of version 1")
    case 3: throw HDF5File.refused("a virtual dataset, which takes its data from other files,")
    default: throw HDF5File.malformed("an unknown data layout", cursor.at - 1)
    }
  }

  private static func chunks(
    _ cursor: inout HDF5Cursor, rank: Int
  ) throws(EngineError) -> HDF5Layout {
    let tree = try cursor.address()
    guard (2...33).contains(rank) else {
      throw HDF5File.malformed("chunks of rank \(rank - 1)", cursor.at)
    }
    var dims: [Int] = []
    for _ in 0..<(rank - 1) { dims.append(try cursor.word()) }
    let size = try cursor.word()
    guard let tree else { return .absent }
    return .chunked(tree: tree, dims: dims, elementSize: size)
  }

  private static func old(
    _ cursor: inout HDF5Cursor, elements: Int
  ) throws(EngineError) -> HDF5Layout {
    let rank = try cursor.byte()
    let kind = try cursor.byte()
    try cursor.skip(5)
    switch kind {
    case 0:
      try cursor.skip(4 * rank)
      let size = try cursor.word()
      let start = cursor.at
      try cursor.skip(size)
      return .contiguous(start: start, count: size)
    case 1:
      guard let start = try cursor.address() else { return .absent }
      return .contiguous(start: start, count: elements)
    case 2: return try chunks(&cursor, rank: rank)
    default: throw HDF5File.malformed("an unknown data layout", cursor.at)
    }
  }
}
