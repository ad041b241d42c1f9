import Tensors

/// Constants of a blocked kernel beside its filter: a number a lane, or taps of each channel.
public final class BlockedConstants: PackedForm {
  private let memory: AlignedMemory
  var bytes: UnsafeMutableRawPointer { memory.bytes }
  public var packedBytes: Tensor { memory.tensor }

  /// `count` numbers from `given`, zeros where it is nil and up to `total`.
  ///
  /// Errors: `.budget` when the system has no memory.
  init(
    _ given: UnsafePointer<Float>?, count: Int, total: Int, space: PackedSpace = .fresh
  ) throws(EngineError) {
    memory = try space.memory(byteCount: total * 4)
    if memory.isFilled { return }
    let to = memory.bytes.assumingMemoryBound(to: Float.self)
    to.update(repeating: 0, count: total)
    if let given { to.update(from: given, count: count) }
  }

  /// Of `[channels, taps]`, for each block of channels its taps one after another; zeros where
  /// there is no channel.
  ///
  /// Errors: `.budget` when the system has no memory.
  init(
    taps: Int, channels: Int, lanes: Int, _ weights: UnsafePointer<Float>,
    space: PackedSpace = .fresh
  ) throws(EngineError) {
    let blocks = (channels + lanes - 1) / lanes
    memory = try space.memory(byteCount: blocks * taps * lanes * 4)
    if memory.isFilled { return }
    let to = memory.bytes.assumingMemoryBound(to: Float.self)
    if blocks * lanes > channels {
      let last = (blocks - 1) * taps * lanes
      (to + last).update(repeating: 0, count: taps * lanes)
    }
    for block in 0..<blocks {
      for lane in 0..<min(lanes, channels - block * lanes) {
        let from = weights + (block * lanes + lane) * taps
        let start = to + block * taps * lanes + lane
        for t in 0..<taps { start[t * lanes] = from[t] }
      }
    }
  }
}

/// How the packed constants of one convolution are made, or found among those made before.
public struct BlockedPacker {
  public typealias Make<Form> = (PackedSpace) throws(EngineError) -> Form

  /// A form of the weights: the name says everything that it depends on beside them.
  let filter: (String, Make<BlockedFilter>) throws(EngineError) -> BlockedFilter
  let taps: (String, Make<BlockedConstants>) throws(EngineError) -> BlockedConstants
  /// A form of the bias.
  let bias: (String, Make<BlockedConstants>) throws(EngineError) -> BlockedConstants

  public init(
    filter: @escaping (String, Make<BlockedFilter>) throws(EngineError) -> BlockedFilter,
    taps: @escaping (String, Make<BlockedConstants>) throws(EngineError) -> BlockedConstants,
    bias: @escaping (String, Make<BlockedConstants>) throws(EngineError) -> BlockedConstants
  ) {
    (self.filter, self.taps, self.bias) = (filter, taps, bias)
  }

  /// Keeps nothing.
  public static var none: BlockedPacker {
    BlockedPacker(
      filter: { (_, make) throws(EngineError) in try make(.fresh) },
      taps: { (_, make) throws(EngineError) in try make(.fresh) },
      bias: { (_, make) throws(EngineError) in try make(.fresh) })
  }

  /// The bias of `count` outputs, with zeros up to `total`.
  ///
  /// Errors: `.budget` when the system has no memory.
  func padded(
    _ given: UnsafePointer<Float>?, count: Int, total: Int
  ) throws(EngineError) -> BlockedConstants {
    guard given != nil else { return try BlockedConstants(nil, count: 0, total: total) }
    return try bias("blocked bias \(total)") { (space) throws(EngineError) in
      try BlockedConstants(given, count: count, total: total, space: space)
    }
  }
}
