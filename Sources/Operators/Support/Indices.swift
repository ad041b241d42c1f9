import Glibc
import Tensors

/// How an operator reads index inputs of int32 or int64, and what it says of one out of range.
struct Indices {
  let isWide: Bool
  init(_ dtype: DType) { isWide = dtype == .int64 }

  @inline(__always) func load(_ memory: UnsafeRawPointer, _ i: Int) -> Int {
    isWide
      ? Int(memory.loadUnaligned(fromByteOffset: i &* 8, as: Int64.self))
      : Int(memory.loadUnaligned(fromByteOffset: i &* 4, as: Int32.self))
  }

  /// Index `i` brought into `0..<size`.
  ///
  /// Errors: `.value` when it lies outside `-size..<size`.
  @inline(__always) func place(
    _ memory: UnsafeRawPointer, _ i: Int, size: Int, axis: Int
  ) throws(EngineError) -> Int {
    let index = load(memory, i)
    let place = index < 0 ? index &+ size : index
    if place < 0 || place >= size { throw outOfRange(index, at: i, size: size, axis: axis) }
    return place
  }

  /// Whether `count` indices from number `i` on are all the same.
  func repeats(_ memory: UnsafeRawPointer, from i: Int, count: Int) -> Bool {
    let width = isWide ? 8 : 4
    let first = memory + i * width
    return memcmp(first, first + width, (count - 1) * width) == 0
  }
}

/// The error for an index that no element of the axis has.
@inline(never) func outOfRange(_ index: Int, at i: Int, size: Int, axis: Int) -> EngineError {
  EngineError(
    .value, "index \(index) (element \(i) of indices) is out of range at axis \(axis)",
    expected: size == 0 ? "none, for the axis is empty" : "\(-size) to \(size - 1)",
    received: "\(index)")
}
