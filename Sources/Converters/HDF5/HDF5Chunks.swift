import Formats
import Tensors

/// The chunks of a dataset, found through a B-tree of version 1.
struct HDF5Chunks {
  struct Chunk {
    let start: Int
    let count: Int
    let skipped: Int
    /// The first element's place on each axis.
    let place: [Int]
  }

  private(set) var list: [Chunk] = []
  private let file: HDF5File
  private let rank: Int
  private var visited: Set<Int> = []

  /// Errors: `.malformed` for loops and chunks outside of the file.
  init(_ file: HDF5File, tree: Int, rank: Int) throws(EngineError) {
    self.file = file
    self.rank = rank
    try readNode(tree, level: nil)
  }

  private mutating func readNode(_ address: Int, level: Int?) throws(EngineError) {
    guard visited.insert(address).inserted else {
      throw HDF5File.malformed("a tree runs in a circle", address)
    }
    var cursor = try file.cursor(at: address)
    try cursor.expect("TREE")
    guard try cursor.byte() == 1 else {
      throw HDF5File.malformed("a node of another tree stands here", address)
    }
    let found = try cursor.byte()
    guard level.map({ $0 - 1 == found }) ?? (found < 32) else {
      throw HDF5File.malformed("a tree has a wrong depth", address)
    }
    let count = try cursor.short()
    try cursor.skip(2 * file.widths.address)
    for _ in 0..<count {
      let size = try cursor.word()
      let skipped = try cursor.word()
      var place: [Int] = []
      for _ in 0..<rank { place.append(try cursor.unsigned(bytes: 8)) }
      try cursor.skip(8)
      guard let child = try cursor.address() else {
        throw HDF5File.malformed("a tree has an empty branch", cursor.at)
      }
      if found > 0 {
        try readNode(child, level: found)
      } else {
        guard file.bytes.slice(child, size) != nil else {
          throw HDF5File.malformed("a chunk lies outside of the file", child)
        }
        list.append(Chunk(start: child, count: size, skipped: skipped, place: place))
      }
    }
  }
}
