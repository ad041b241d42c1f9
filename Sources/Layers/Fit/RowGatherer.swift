import Tensors
import Training

/// Batches of rows in random order, gathered into memory that is used again once nobody holds it.
///
/// One thread at a time makes batches, in order.
final class RowGatherer: @unchecked Sendable {
  private let inputs: [Tensor]
  private let targets: [Tensor]
  private let weights: Tensor?
  private let batchSize: Int
  private let count: Int
  private var order: RandomPermutation?
  /// Memory of batches that were given, in turn.
  private var ring: [[Storage]]
  private var turn = 0
  /// Keeps reads alive that only bring memory near.
  private var touched: UInt8 = 0

  /// - `depth`: how many batches others may hold at a time; beyond that memory is made anew.
  init(
    _ inputs: [Tensor], _ targets: [Tensor], _ weights: Tensor?, batchSize: Int, count: Int,
    depth: Int
  ) {
    self.inputs = inputs
    self.targets = targets
    self.weights = weights
    self.batchSize = batchSize
    self.count = count
    ring = Array(repeating: [], count: max(1, depth))
  }

  /// Begins an epoch.
  func begin(_ order: RandomPermutation) { self.order = order }

  /// Batch `k` of the epoch.
  func batch(_ k: Int) throws(EngineError) -> Batch {
    let range = k * batchSize..<min((k + 1) * batchSize, count)
    turn = (turn + 1) % ring.count
    var memory = ring[turn]
    ring[turn] = []
    var batch = Batch([], [])
    batch.inputs.reserveCapacity(inputs.count)
    batch.targets.reserveCapacity(targets.count)
    guard order != nil else { return batch }
    try order?.withDrawn(range.upperBound) { (order) throws(EngineError) in
      let rows = UnsafeBufferPointer(rebasing: order[range])
      var place = 0
      for x in inputs { batch.inputs.append(try part(x, rows, &memory, &place)) }
      for y in targets { batch.targets.append(try part(y, rows, &memory, &place)) }
      if let weights { batch.weights = try part(weights, rows, &memory, &place) }
    }
    ring[turn] = memory
    return batch
  }

  private func part(
    _ t: Tensor, _ rows: UnsafeBufferPointer<Int>, _ memory: inout [Storage], _ place: inout Int
  ) throws(EngineError) -> Tensor {
    let sizes = t.shape
    let size = sizes.count(of: 1..<sizes.rank) * t.dtype.byteSize
    guard t.dtype != .string, t.byteCount == count * size else {
      return t.dtype == .string ? try t.stringRows(Array(rows)) : try t.rows(Array(rows))
    }
    let type = TensorType(t.dtype, Shape(rank: sizes.rank) { $0 == 0 ? rows.count : sizes[$0] })
    let at = place
    place += 1
    if at == memory.count { memory.append(try Storage(type)) }
    if memory[at].type != type || !isKnownUniquelyReferenced(&memory[at]) {
      memory[at] = try Storage(type)
    }
    let storage = memory[at]
    t.withUnsafeBytes { bytes in
      guard let from = bytes.baseAddress else { return }
      copyRows(from, rows, to: storage.bytes, size)
    }
    return Tensor(storage)
  }

  /// Copies rows of `size` bytes. They are often of a few bytes, which a call each would be dear for.
  private func copyRows(
    _ from: UnsafeRawPointer, _ rows: UnsafeBufferPointer<Int>, to: UnsafeMutableRawPointer,
    _ size: Int
  ) {
    switch size {
    case 4:
      let (from, to) = (
        from.assumingMemoryBound(to: UInt32.self), to.assumingMemoryBound(to: UInt32.self)
      )
      for i in 0..<rows.count { to[i] = from[rows[i]] }
    case 8:
      let (from, to) = (
        from.assumingMemoryBound(to: UInt64.self), to.assumingMemoryBound(to: UInt64.self)
      )
      for i in 0..<rows.count { to[i] = from[rows[i]] }
    default:
      var place = to
      for (i, row) in rows.enumerated() {
        // Rows to come are asked for early: they lie anywhere.
        if i + 4 < rows.count { touched &+= (from + rows[i + 4] * size).load(as: UInt8.self) }
        place.copyMemory(from: from + row * size, byteCount: size)
        place += size
      }
    }
  }
}

extension Tensor {
  /// Rows of a tensor of strings along its first axis.
  func stringRows(_ rows: some Collection<Int>) throws(EngineError) -> Tensor {
    let sizes = shape
    let width = sizes.count(of: 1..<sizes.rank)
    let all = strings
    var picked: [String] = []
    picked.reserveCapacity(rows.count * width)
    for row in rows { picked += all[row * width..<(row + 1) * width] }
    return try Tensor(
      shape: Shape(rank: sizes.rank) { $0 == 0 ? rows.count : sizes[$0] }, strings: picked)
  }
}
