import Graphs
import Kernels
import Synchronization
import Tensors

/// Where GatherElements and ScatterElements find an element for each index: at the index' own
/// place, but along one axis at the index' value.
struct ElementPlaces {
  private let reader: Indices
  private let axis: Int
  private let axisSize: Int
  private let sizes: [Int]
  /// Those of the data.
  private let wholeSizes: [Int]
  /// Bytes between neighbours of the data along each axis.
  private let strides: [Int]
  private let rows: Int
  private let width: Int
  var count: Int { rows * width }

  /// Errors: `.shape` when ranks differ or `indices` is longer than `data` along another axis,
  /// `.attribute` for `axis`.
  init(data: TensorType, indices: TensorType, axis: Int) throws(EngineError) {
    let rank = data.shape.rank
    self.axis = try normalisedAxis(axis, rank: rank)
    try ElementPlaces.check(
      data.shape.array.map { Dim($0) }, indices.shape.array.map { Dim($0) }, axis: self.axis)
    reader = Indices(indices.dtype)
    axisSize = data.shape[self.axis]
    sizes = indices.shape.array
    wholeSizes = data.shape.array
    strides = data.shape.strides.map { $0 * data.dtype.byteSize }
    width = sizes[rank - 1]
    rows = sizes.dropLast().reduce(1, *)
  }

  static func check(_ data: [Dim], _ indices: [Dim], axis: Int) throws(EngineError) {
    guard data.count == indices.count else {
      throw EngineError(
        .shape, "indices have another rank than the data", expected: "\(data.count) as in \(data)",
        received: "\(indices.count) of \(indices)")
    }
    for i in data.indices where i != axis {
      if let n = data[i].known, let m = indices[i].known, m > n {
        throw EngineError(
          .shape, "indices are longer than the data at axis \(i)", expected: "at most \(n)",
          received: "\(m)")
      }
    }
  }

  /// Copies the element of each index; false, with nothing copied, for elements of another width than
  /// 1, 2, 4 or 8 bytes.
  ///
  /// Errors: `.value` for an index out of range.
  func gather(
    to target: UnsafeMutableRawPointer, from data: UnsafeRawPointer,
    indices: UnsafeRawPointer, width bytes: Int, pool: ThreadPool
  ) throws(EngineError) -> Bool {
    guard bytes <= 8 else { return false }
    let pieces = count >= 16_384 ? min(rows, pool.threads) : 1
    let failed = Atomic(false)
    nonisolated(unsafe) let (target, data, indices) = (target, data, indices)
    pool.run(pieces) { piece in
      for row in (piece * rows / pieces)..<((piece + 1) * rows / pieces)
      where !gather(row: row, to: target, from: data, indices: indices, width: bytes) {
        failed.store(true, ordering: .relaxed)
      }
    }
    if failed.load(ordering: .relaxed) {
      for j in 0..<count { _ = try reader.place(indices, j, size: axisSize, axis: axis) }
    }
    return true
  }

  private func gather(
    row: Int, to target: UnsafeMutableRawPointer, from data: UnsafeRawPointer,
    indices: UnsafeRawPointer, width bytes: Int
  ) -> Bool {
    let last = sizes.count - 1
    let first = row * width
    return Blocks.gather(
      to: target + first * bytes, from: data + base(row),
      indices: indices + first * (reader.isWide ? 8 : 4), isWide: reader.isWide, count: width,
      size: axisSize, along: strides[axis] / bytes,
      step: axis == last ? 0 : strides[last] / bytes, width: bytes)
  }

  /// The byte offset of a row of indices, those along `axis` left out.
  private func base(_ row: Int) -> Int {
    var rest = row
    var base = 0
    for a in stride(from: sizes.count - 2, through: 0, by: -1) {
      if a != axis { base &+= rest % sizes[a] &* strides[a] }
      rest /= sizes[a]
    }
    return base
  }

  /// Where `indices` only repeats one index for all that lies behind `axis`, as broadcast ones do,
  /// and updates fill all of that: the elements of such a block, and the byte offset of each. Nil,
  /// with nothing settled, elsewhere.
  ///
  /// Errors: `.value` for an index out of range.
  func fillBlocks(
    _ offsets: UnsafeMutablePointer<Int64>, from indices: UnsafeRawPointer
  ) throws(EngineError) -> Int? {
    let inner = sizes[(axis + 1)...]
    let block = inner.reduce(1, *)
    let isWhole = zip(inner, wholeSizes[(axis + 1)...]).allSatisfy { $0 == $1 }
    guard isWhole, block > 1, sizes[axis] > 0 else { return nil }
    let count = self.count / block
    for i in 0..<count where !reader.repeats(indices, from: i * block, count: block) { return nil }
    for i in 0..<count {
      let place = try reader.place(indices, i * block, size: axisSize, axis: axis)
      var rest = i / sizes[axis]
      var base = place * strides[axis]
      for a in stride(from: axis - 1, through: 0, by: -1) {
        base += rest % sizes[a] * strides[a]
        rest /= sizes[a]
      }
      offsets[i] = Int64(base)
    }
    return block
  }

  /// Writes the byte offset of each index' element.
  ///
  /// Errors: `.value` for an index out of range.
  func fill(
    _ offsets: UnsafeMutablePointer<Int64>, from indices: UnsafeRawPointer
  ) throws(EngineError) {
    let last = sizes.count - 1
    let isLast = axis == last
    let step = strides[last]
    let along = strides[axis]
    for row in 0..<rows {
      let base = base(row)
      for j in 0..<width {
        let i = row &* width &+ j
        let place = try reader.place(indices, i, size: axisSize, axis: axis)
        offsets[i] = Int64(base &+ place &* along &+ (isLast ? 0 : j &* step))
      }
    }
  }
}
