import Formats
import Tensors

/// What was done to each chunk when it was written: deflate, shuffle, Fletcher's checksum.
struct HDF5Filters {
  enum Filter { case deflate, shuffle(Int), fletcher }
  private(set) var list: [Filter] = []

  init() {}

  /// Errors: `.malformed`; `.unsupported` for any other filter.
  init(_ file: HDF5File, _ message: HDF5Header.Message) throws(EngineError) {
    var cursor = try file.cursor(at: message.start, count: message.count)
    let version = try cursor.byte()
    let count = try cursor.byte()
    guard version == 1 || version == 2, count <= 32 else {
      throw HDF5File.malformed("filters of version \(version)", message.start)
    }
    if version == 1 { try cursor.skip(6) }
    for _ in 0..<count {
      let id = try cursor.short()
      let nameLength = version == 1 || id >= 256 ? try cursor.short() : 0
      try cursor.skip(2)
      let values = try cursor.short()
      try cursor.skip(version == 1 ? (nameLength + 7) / 8 * 8 : nameLength)
      var first = 0
      for i in 0..<values {
        let value = try cursor.word()
        if i == 0 { first = value }
      }
      if version == 1, values % 2 == 1 { try cursor.skip(4) }
      switch id {
      case 1: list.append(.deflate)
      case 2: list.append(.shuffle(first))
      case 3: list.append(.fletcher)
      default: throw HDF5File.refused("filter \(id)")
      }
    }
  }

  /// The chunk's bytes as they were before the filters, `size` of them.
  ///
  /// - `skipped`: bit i set where filter i was left out for this chunk.
  /// - Errors: `.malformed` where they do not come out.
  func undo(
    _ stored: UnsafeRawBufferPointer, size: Int, skipped: Int
  ) throws(EngineError) -> [UInt8] {
    var data: [UInt8]?
    for (i, filter) in list.enumerated().reversed() where skipped >> i & 1 == 0 {
      let (before, remaining) = (data, list[..<i])
      switch filter {
      case .fletcher:
        let count = before?.count ?? stored.count
        guard count >= 4 else { throw HDF5File.malformed("a chunk lacks its checksum", 0) }
        data = before.map { Array($0.dropLast(4)) } ?? Array(stored.dropLast(4))
      case .deflate:
        // A checksum that was added before deflating comes out of it too.
        let extra = remaining.reduce(0) { sum, f in if case .fletcher = f { sum + 4 } else { sum } }
        data = try Self.inflate(before, stored, size: size + extra)
      case .shuffle(let width):
        data = Self.unshuffled(before ?? Array(stored), width: width)
      }
    }
    let result = data ?? Array(stored)
    guard result.count == size else {
      throw EngineError(
        .malformed, "HDF5: a chunk has a wrong size", expected: "\(size) bytes",
        received: "\(result.count)")
    }
    return result
  }

  /// zlib's stream: two bytes of header, deflate, four bytes of Adler-32.
  private static func inflate(
    _ data: [UInt8]?, _ stored: UnsafeRawBufferPointer, size: Int
  ) throws(EngineError) -> [UInt8] {
    var made = [UInt8](repeating: 0, count: size)
    var failure: EngineError?
    func run(_ input: UnsafeRawBufferPointer) {
      guard input.count >= 6, input[0] & 15 == 8, input[1] & 0x20 == 0,
        (Int(input[0]) << 8 | Int(input[1])) % 31 == 0,
        let body = input.slice(2, input.count - 6)
      else {
        failure = HDF5File.malformed("a chunk is no zlib stream", 0)
        return
      }
      made.withUnsafeMutableBytes { room in
        do throws(EngineError) { try Deflate.inflate(body, into: room) } catch { failure = error }
      }
    }
    if let data { data.withUnsafeBytes(run) } else { run(stored) }
    if let failure { throw failure }
    return made
  }

  /// Elements from planes of their first, second, … bytes.
  private static func unshuffled(_ data: [UInt8], width: Int) -> [UInt8] {
    guard width > 1, data.count >= width else { return data }
    let count = data.count / width
    var result = data
    for k in 0..<width {
      for i in 0..<count { result[i * width + k] = data[k * count + i] }
    }
    return result
  }
}
