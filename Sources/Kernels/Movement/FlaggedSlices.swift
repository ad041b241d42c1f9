import CKernels

/// The slices of an axis whose flag is set, one behind the other.
public enum FlaggedSlices {
  /// `source` is `[outer, size, block]` with blocks of `blockBytes` bytes, `target` `[outer, kept,
  /// block]`; `flags` has `count` bytes, at most `size`, of which `kept` are not 0.
  public static func take(
    to target: UnsafeMutableRawPointer, from source: UnsafeRawPointer, flags: UnsafePointer<UInt8>,
    count: Int, kept: Int, outer: Int, size: Int, blockBytes: Int, lanes: LaneSet = .best
  ) {
    if [1, 2, 4, 8].contains(blockBytes) {
      let take = lanes == .avx512 ? dl_take_flagged__avx512 : dl_take_flagged__scalar
      for o in 0..<outer {
        _ = take(
          target + o * kept * blockBytes, source + o * size * blockBytes, flags, Int64(count),
          Int64(blockBytes), Int64(kept))
      }
      return
    }
    for o in 0..<outer {
      var to = target + o * kept * blockBytes
      let from = source + o * size * blockBytes
      var i = 0
      while i < count {
        guard flags[i] != 0 else {
          i += 1
          continue
        }
        let first = i
        while i < count, flags[i] != 0 { i += 1 }
        let bytes = (i - first) * blockBytes
        to.copyMemory(from: from + first * blockBytes, byteCount: bytes)
        to += bytes
      }
    }
  }
}
