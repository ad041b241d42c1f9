import CKernels
import Tensors

/// Channels of blocked images, taken from those of others: joins, slices and shuffles where
/// channels do not stay in their places of a block.
public struct BlockedChannelMap: Sendable {
  public let label: String
  let batch: Int
  let pixels: Int
  let lanes: Int
  let isa: InstructionSet
  /// Which sources each block of the result has, and from where their lanes come.
  let ranges: [Range<Int>]
  let sources: AlignedMemory
  let index: AlignedMemory
  let isParallel: Bool

  /// - `channels`: those of each input.
  /// - `map`: for each channel of the result its number among those of all inputs.
  ///
  /// Errors: `.budget` when the system has no memory for the map.
  public init(
    batch: Int, channels: [Int], map: [Int], pixels: Int, lanes: Int, threads: Int = 1,
    isa: InstructionSet = .current
  ) throws(EngineError) {
    (self.batch, self.pixels, self.lanes) = (batch, pixels, lanes)
    self.isa = isa.blocked(lanes: lanes)
    // The input and the channel in it.
    var places: [(input: Int, channel: Int)] = []
    for (i, count) in channels.enumerated() { places += (0..<count).map { (i, $0) } }
    precondition(map.allSatisfy { places.indices.contains($0) }, "a channel that is not there")
    var list: [dl_blocked_source] = []
    var lanesOf: [Int32] = []
    var ranges: [Range<Int>] = []
    for block in 0..<(map.count + lanes - 1) / lanes {
      let start = list.count
      var found: [[Int]: Int] = [:]
      for lane in 0..<min(lanes, map.count - block * lanes) {
        let place = places[map[block * lanes + lane]]
        let key = [place.input, place.channel / lanes]
        if found[key] == nil {
          found[key] = list.count
          let blocks = (channels[place.input] + lanes - 1) / lanes
          list.append(
            dl_blocked_source(
              input: place.input, offset: key[1] * pixels * lanes,
              image_step: blocks * pixels * lanes))
          lanesOf += [Int32](repeating: -1, count: lanes)
        }
        if let k = found[key] { lanesOf[k * lanes + lane] = Int32(place.channel % lanes) }
      }
      ranges.append(start..<list.count)
    }
    self.ranges = ranges
    sources = try AlignedMemory(byteCount: list.count * MemoryLayout<dl_blocked_source>.stride)
    index = try AlignedMemory(byteCount: lanesOf.count * 4)
    let to = sources.bytes.assumingMemoryBound(to: dl_blocked_source.self)
    for (i, source) in list.enumerated() { to[i] = source }
    let numbers = index.bytes.assumingMemoryBound(to: Int32.self)
    for (i, lane) in lanesOf.enumerated() { numbers[i] = lane }
    isParallel = threads > 1 && batch * map.count * pixels >= 65_536
    label = "channels blocked \(self.isa)"
  }

  /// `inputs`: the addresses of the blocked images.
  public func run(
    inputs: UnsafePointer<UnsafeMutableRawPointer>, y: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    let count = batch * ranges.count
    let pieces = isParallel ? min(count, 16) : 1
    nonisolated(unsafe) let (inputs, y) = (inputs, y)
    pool.run(pieces) { piece in
      for i in (piece * count / pieces)..<((piece + 1) * count / pieces) {
        block(i % ranges.count, i / ranges.count, inputs, y + i * pixels * lanes)
      }
    }
  }

  private func block(
    _ block: Int, _ image: Int, _ inputs: UnsafePointer<UnsafeMutableRawPointer>,
    _ to: UnsafeMutablePointer<Float>
  ) {
    let range = ranges[block]
    let from = sources.bytes.assumingMemoryBound(to: dl_blocked_source.self) + range.lowerBound
    let places = index.bytes.assumingMemoryBound(to: Int32.self) + range.lowerBound * lanes
    let n = range.count
    inputs.withMemoryRebound(to: UnsafeMutableRawPointer?.self, capacity: 1) { table in
      switch isa {
      #if arch(x86_64)
        case .avx512: dl_blocked_lanes_f32__avx512(to, pixels, table, image, from, places, n)
        case .avx2: dl_blocked_lanes_f32__avx2(to, pixels, table, image, from, places, n)
      #endif
      default: dl_blocked_lanes_f32__scalar(to, pixels, table, image, from, places, n, lanes)
      }
    }
  }
}
