import CKernels

/// A copy between two strided arrays of elements, planned once and run often.
///
/// Axes of size 1 are dropped, axes that lie behind one another on both sides become one, and
/// elements that lie behind one another become blocks; what is left is ordered for the cache.
/// Cost: planning is linear in the rank, running in the bytes moved.
public struct StridedCopy: @unchecked Sendable {
  private var plan = dl_strided_copy()
  private let isa: LaneSet
  private let sourceOffset: Int
  private let targetOffset: Int
  /// Bytes moved.
  public let byteCount: Int
  /// The axis that several threads share, and its size; size 1 where there is nothing to share.
  private var sharedAxis = 0
  private var sharedSize = 1

  /// No more axes can be copied, once those of size 1 are dropped and neighbours joined.
  public static let mostAxes = Int(DL_MOVE_RANK)

  /// Below this many bytes one thread is faster than several.
  private static let worthSharing = 1 << 17

  /// Plans a copy of `sizes` elements of `elementBytes` bytes. Strides and offsets count elements;
  /// strides may be negative, and 0 in the source. The ranges touched must lie within
  /// `sourceCount` and `targetCount` elements.
  public init(
    sizes: [Int], sourceStrides: [Int], targetStrides: [Int], elementBytes: Int,
    sourceOffset: Int = 0, targetOffset: Int = 0, sourceCount: Int, targetCount: Int,
    isa: LaneSet = .best
  ) {
    precondition(
      sizes.count == sourceStrides.count && sizes.count == targetStrides.count,
      "a strided copy of \(sizes) with strides \(sourceStrides) and \(targetStrides)")
    self.isa = isa
    self.sourceOffset = sourceOffset * elementBytes
    self.targetOffset = targetOffset * elementBytes
    byteCount = sizes.reduce(elementBytes, *)
    guard byteCount > 0 else { return }
    StridedCopy.check(sizes, sourceStrides, from: sourceOffset, count: sourceCount)
    StridedCopy.check(sizes, targetStrides, from: targetOffset, count: targetCount)

    var axes: [Axis] = []
    for i in sizes.indices where sizes[i] != 1 {
      let next = Axis(
        size: sizes[i], source: sourceStrides[i] * elementBytes,
        target: targetStrides[i] * elementBytes)
      if let outer = axes.last, outer.source == next.source * next.size,
        outer.target == next.target * next.size
      {
        axes[axes.count - 1] = Axis(
          size: outer.size * next.size, source: next.source, target: next.target)
      } else {
        axes.append(next)
      }
    }
    var block = elementBytes
    if let inner = axes.last, inner.source == block, inner.target == block {
      block *= inner.size
      axes.removeLast()
    }
    precondition(axes.count <= DL_MOVE_RANK, "a strided copy of \(sizes)")
    // The axis along which the source runs moves next to the one along which the target runs.
    if let k = axes.dropLast().lastIndex(where: { $0.source == block }),
      axes.last?.target == block
    {
      axes.insert(axes.remove(at: k), at: axes.count - 1)
    }

    plan.rank = Int64(axes.count)
    plan.block = Int64(block)
    StridedCopy.write(axes.map(\.size), to: &plan.sizes)
    StridedCopy.write(axes.map(\.source), to: &plan.source_strides)
    StridedCopy.write(axes.map(\.target), to: &plan.target_strides)
    if byteCount >= StridedCopy.worthSharing {
      // The outermost axis that is long enough; a short one only where there is no other.
      let axis = axes.firstIndex { $0.size >= 16 } ?? 0
      sharedAxis = axis
      sharedSize = axis < axes.count ? axes[axis].size : 1
    }
  }

  private struct Axis {
    let size: Int
    let source: Int
    let target: Int
  }

  private static func check(_ sizes: [Int], _ strides: [Int], from offset: Int, count: Int) {
    var low = offset
    var high = offset
    for i in sizes.indices {
      let reach = (sizes[i] - 1) * strides[i]
      if reach < 0 { low += reach } else { high += reach }
    }
    precondition(
      low >= 0 && high < count, "a strided copy touches \(low)...\(high) of \(count) elements")
  }

  private static func write<T>(_ values: [Int], to field: inout T) {
    withUnsafeMutableBytes(of: &field) { bytes in
      for (i, v) in values.enumerated() {
        bytes.storeBytes(of: Int64(v), toByteOffset: i * 8, as: Int64.self)
      }
    }
  }

  /// Moves the elements. `target` and `source` are the starts of the two arrays. What is moved does
  /// not overlap where it goes to, but for a single stretch of bytes that lies there already.
  public func run(
    to target: UnsafeMutableRawPointer, from source: UnsafeRawPointer, pool: ThreadPool
  ) {
    if byteCount == 0 { return }
    let to = target + targetOffset
    let from = source + sourceOffset
    if to == from, plan.rank == 0 { return }
    let pieces = pool.threads > 1 ? min(sharedSize, pool.threads * 2) : 1
    if plan.rank == 0, pool.threads > 1, byteCount >= StridedCopy.worthSharing {
      pool.run(pool.threads) { piece in
        let first = byteCount / 64 * piece / pool.threads * 64
        let last =
          piece + 1 == pool.threads
          ? byteCount : byteCount / 64 * (piece + 1) / pool.threads * 64
        (to + first).copyMemory(from: from + first, byteCount: last - first)
      }
      return
    }
    if pieces <= 1 {
      withUnsafePointer(to: plan) { dl_copy_strided($0, to, from, isa.rawValue) }
      return
    }
    pool.run(pieces) { piece in
      let first = sharedSize * piece / pieces
      let last = sharedSize * (piece + 1) / pieces
      var part = plan
      let at = sharedAxis * 8
      let sourceStride = withUnsafeBytes(of: part.source_strides) {
        Int($0.load(fromByteOffset: at, as: Int64.self))
      }
      let targetStride = withUnsafeBytes(of: part.target_strides) {
        Int($0.load(fromByteOffset: at, as: Int64.self))
      }
      withUnsafeMutableBytes(of: &part.sizes) {
        $0.storeBytes(of: Int64(last - first), toByteOffset: at, as: Int64.self)
      }
      withUnsafePointer(to: part) {
        dl_copy_strided(
          $0, to + first * targetStride, from + first * sourceStride, isa.rawValue)
      }
    }
  }
}

extension StridedCopy {
  /// Permutes axes: axis `i` of the target is axis `permutation[i]` of the source.
  public init(
    transposing shape: [Int], _ permutation: [Int], elementBytes: Int, isa: LaneSet = .best
  ) {
    let count = shape.reduce(1, *)
    let strides = StridedCopy.rowMajor(shape)
    let sizes = permutation.map { shape[$0] }
    self.init(
      sizes: sizes, sourceStrides: permutation.map { strides[$0] },
      targetStrides: StridedCopy.rowMajor(sizes), elementBytes: elementBytes, sourceCount: count,
      targetCount: count, isa: isa)
  }

  /// All of `count` elements as they are.
  public init(copying count: Int, elementBytes: Int) {
    self.init(
      sizes: [count], sourceStrides: [1], targetStrides: [1], elementBytes: elementBytes,
      sourceCount: count, targetCount: count)
  }

  /// Elements between neighbours along each axis, the last axis running fastest.
  public static func rowMajor(_ sizes: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: sizes.count)
    for i in stride(from: sizes.count - 2, through: 0, by: -1) {
      strides[i] = strides[i + 1] * sizes[i + 1]
    }
    return strides
  }
}
