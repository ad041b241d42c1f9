import CKernels
import Tensors

/// Moves equal blocks of bytes by a table of offsets, and fills memory with one element.
///
/// The caller has checked that every offset plus the block lies within the array it refers to.
public enum Blocks {
  /// Block `i` of `target` becomes the block at `source + offsets[i]`, in bytes.
  public static func take(
    to target: UnsafeMutableRawPointer, from source: UnsafeRawPointer,
    offsets: UnsafePointer<Int64>, count: Int, blockBytes: Int
  ) {
    dl_take_blocks__scalar(target, source, offsets, Int64(count), Int64(blockBytes))
  }

  /// Element `j` of `target` is that of `source` at `i * along + j * step`, for `j` below `count`
  /// and `i` the index `j`, from `-size` to `size - 1`.
  ///
  /// - `isWide`: indices are int64, not int32. `along`, `step`: elements.
  /// - `width`: bytes of an element: 1, 2, 4 or 8.
  ///
  /// False, and `target` undefined, where an index is out of range.
  public static func gather(
    to target: UnsafeMutableRawPointer, from source: UnsafeRawPointer, indices: UnsafeRawPointer,
    isWide: Bool, count: Int, size: Int, along: Int, step: Int, width: Int,
    isa: InstructionSet = .current
  ) -> Bool {
    let take = isa >= .avx512 ? dl_gather_elements__avx512 : dl_gather_elements__scalar
    return take(
      target, source, indices, isWide ? 1 : 0, Int64(count), Int64(size), Int64(along),
      Int64(step), Int64(width)) != 0
  }

  /// The block at `target + offsets[i]` becomes block `i` of `source`, later ones winning.
  public static func put(
    to target: UnsafeMutableRawPointer, offsets: UnsafePointer<Int64>,
    from source: UnsafeRawPointer, count: Int, blockBytes: Int
  ) {
    dl_put_blocks__scalar(target, offsets, source, Int64(count), Int64(blockBytes))
  }

  /// `count` copies of the element of `elementBytes` bytes (1, 2, 4, 8 or 16) at `element`.
  public static func fill(
    _ target: UnsafeMutableRawPointer, with element: UnsafeRawPointer, count: Int,
    elementBytes: Int
  ) {
    dl_fill__scalar(target, element, Int64(count), Int64(elementBytes))
  }
}
