import CKernels
import Tensors

/// Weights of a byte convolution, in the order in which its tiles read them.
public final class ByteFilter: PackedForm {
  let memory: AlignedMemory
  public var packedBytes: Tensor { memory.tensor }

  /// From `[groups * outputs, channels, taps]`.
  ///
  /// Errors: `.budget` when the system has no memory for the weights.
  public init(
    _ p: BytePanels, source: UnsafePointer<Int8>, space: PackedSpace = .fresh
  ) throws(EngineError) {
    memory = try space.memory(byteCount: p.byteCount, inLargePages: true)
    if memory.isFilled { return }
    let g = p.geometry
    nonisolated(unsafe) let (to, from) = (memory.bytes, source)
    space.pool.run(p.panels.count) { i in
      let panel = p.panels[i]
      var f = dl_byte_filter(
        weights: from, all_taps: g.taps, taps: p.isMerged ? g.kernel[1] : g.taps,
        part: g.channels, share: g.outputs, first_output: panel.first, columns: panel.columns,
        first_channel: panel.channel, fours: panel.fours, vectors: panel.vectors,
        lanes: panel.lanes, is_half: panel.isHalf ? 1 : 0, is_wide: p.isWide ? 1 : 0,
        is_in_order: p.isInOrder ? 1 : 0, is_grouped: p.isGrouped ? 1 : 0,
        merged: p.isMerged ? p.tapStep : 0,
        tap_columns: p.isDepthwise ? g.kernel[2] : 0)
      dl_byte_pack_s8(to + panel.offset, &f)
    }
  }

  /// The sums of each output's weights, then those of its positive weights: int32 `[2, outputs]`
  /// from `[outputs, count]`.
  ///
  /// Errors: `.budget` when the system has no memory for them.
  public static func sums(
    _ source: UnsafePointer<Int8>, outputs: Int, count: Int, space: PackedSpace = .fresh
  ) throws(EngineError) -> Storage {
    try space.storage(TensorType(.int32, [2, outputs])) { (s) throws(EngineError) in
      dl_byte_sums_s8(s.bytes.assumingMemoryBound(to: Int32.self), source, outputs, count)
    }
  }
}
