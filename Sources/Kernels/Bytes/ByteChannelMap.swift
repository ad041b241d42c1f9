import CKernels
import Tensors

/// Channels of images of bytes, taken from those of others, each image by a table of its own: joins,
/// parts and shuffles.
public struct ByteChannelMap: Sendable {
  public let label = "byte channels"
  let pixels: Int
  let steps: [Int]
  let step: Int
  /// Of each 64 bytes of a pixel.
  let ranges: [Range<Int>]
  let sources: AlignedMemory
  let isParallel: Bool

  /// - `pixels`: of all images. `steps`: the bytes of each input's pixels.
  /// - `map`: for each channel of the result its number among the bytes of all inputs' pixels in a
  ///   row.
  /// - `isTabled`: whether each input's bytes go through its table.
  ///
  /// Errors: `.budget` when the system has no memory for the map.
  public init(
    pixels: Int, steps: [Int], map: [Int], isTabled: [Bool], threads: Int = 1
  ) throws(EngineError) {
    precondition(steps.count == isTabled.count, "\(isTabled.count) tables for \(steps.count)")
    (self.pixels, self.steps) = (pixels, steps)
    step = BytePanels.step(map.count)
    var places: [(part: Int, byte: Int)] = []
    for (i, count) in steps.enumerated() { places += (0..<count).map { (i, $0) } }
    precondition(map.allSatisfy { places.indices.contains($0) }, "a channel that is not there")
    // What fills the last four is of no meaning, and written so that every byte of the result is.
    let filled = map + [Int](repeating: map.last ?? 0, count: step - map.count)
    var list: [dl_byte_source] = []
    var ranges: [Range<Int>] = []
    for start in stride(from: 0, to: step, by: 64) {
      let count = min(64, step - start)
      let first = list.count
      for part in steps.indices {
        var lanes = (0..<count).filter { places[filled[start + $0]].part == part }
        while !lanes.isEmpty {
          let bytes = lanes.map { places[filled[start + $0]].byte }
          let low = bytes.min() ?? 0
          let near = lanes.filter { places[filled[start + $0]].byte < low + 64 }
          lanes.removeAll { near.contains($0) }
          list.append(
            Self.source(
              near, near.map { places[filled[start + $0]].byte }, part: part, of: steps[part],
              isTabled: isTabled[part]))
        }
      }
      ranges.append(first..<list.count)
    }
    self.ranges = ranges
    sources = try AlignedMemory(byteCount: list.count * MemoryLayout<dl_byte_source>.stride)
    let to = sources.bytes.assumingMemoryBound(to: dl_byte_source.self)
    for (i, source) in list.enumerated() { to[i] = source }
    isParallel = threads > 1 && pixels * step >= 65_536
  }

  /// Bytes `bytes` of pixels of `step` bytes, brought to `lanes`.
  private static func source(
    _ lanes: [Int], _ bytes: [Int], part: Int, of step: Int, isTabled: Bool
  ) -> dl_byte_source {
    var s = dl_byte_source()
    let first = bytes.min() ?? 0
    (s.part, s.step, s.first) = (part, step, first)
    s.count = (bytes.max() ?? 0) - first + 1
    s.at = lanes.first ?? 0
    let follows = zip(lanes.indices, lanes).allSatisfy { i, lane in
      lane == s.at + i && bytes[i] == bytes[0] + i
    }
    s.run = follows ? lanes.count : 0
    s.is_tabled = isTabled ? 1 : 0
    withUnsafeMutableBytes(of: &s.index) { index in
      for (lane, byte) in zip(lanes, bytes) { index[lane] = UInt8(byte - first) }
    }
    for lane in lanes { s.lanes |= 1 << UInt64(lane) }
    return s
  }

  /// `inputs`: the addresses of the images. `tables`: 256 bytes for each of them. `isPlain`: in plain
  /// C, whatever the machine has.
  public func run(
    inputs: UnsafePointer<UnsafeMutableRawPointer>, tables: UnsafePointer<UInt8>,
    y: UnsafeMutablePointer<UInt8>, pool: ThreadPool, isPlain: Bool = false
  ) {
    // A piece's pixels stay in the first-level cache while all vectors of a pixel are written.
    let each = max(16, 16_384 / max(step, 1))
    let pieces = (pixels + each - 1) / each
    nonisolated(unsafe) let (inputs, tables, y) = (inputs, tables, y)
    func body(_ piece: Int) {
      let first = piece * each
      let count = min(each, pixels - first)
      let list = sources.bytes.assumingMemoryBound(to: dl_byte_source.self)
      inputs.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: steps.count) { parts in
        for (k, range) in ranges.enumerated() {
          let (from, n, to) = (list + range.lowerBound, range.count, y + first * step + 64 * k)
          if isPlain {
            dl_byte_gather_u8__scalar(from, n, first, count, parts, tables, to, step)
          } else {
            dl_byte_gather_u8(from, n, first, count, parts, tables, to, step)
          }
        }
      }
    }
    if isParallel {
      pool.run(pieces) { body($0) }
    } else {
      for piece in 0..<pieces { body(piece) }
    }
  }
}
