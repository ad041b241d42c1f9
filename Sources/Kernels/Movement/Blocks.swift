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
