import Tensors

/// Where the elements of one operand lie, for a product `[batch, rows, columns] x [..., depth]`.
///
/// An element is at `batch[b] + row[i] + depth[k] + folded[s]`; those over `folded` are summed.
public struct ContractOperand: Sendable {
  let batch: Table
  let row: Table
  let depth: Table
  let folded: Table
  /// Whether the elements lie as `[batch, row, depth]` already.
  let isPacked: Bool
  /// Whether the elements over `depth` lie side by side.
  private let isRun: Bool

  public init(batch: Table, row: Table, depth: Table, folded: Table, isPacked: Bool) {
    self.batch = batch
    self.row = row
    self.depth = depth
    self.folded = folded
    self.isPacked = isPacked
    isRun = (0..<depth.count).allSatisfy { depth[$0] == $0 }
  }

  /// Elements once packed.
  public var count: Int { batch.count * row.count * depth.count }

  func pack<T: Numeral>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ pool: ThreadPool
  ) {
    pool.run(batch.count * row.count) { i in
      let base = x + batch[i / row.count] + row[i % row.count]
      let to = y + i * depth.count
      if folded.count == 1, isRun {
        to.update(from: base + folded[0], count: depth.count)
      } else if folded.count == 1 {
        for k in 0..<depth.count { to[k] = base[depth[k] + folded[0]] }
      } else {
        for k in 0..<depth.count {
          var sum = T.zeroValue
          for s in 0..<folded.count { sum = T.plus(sum, base[depth[k] + folded[s]]) }
          to[k] = sum
        }
      }
    }
  }
}

/// One product of two operands summed over their common depth, for any numeral type.
public struct ContractKernel: Sendable {
  let left: ContractOperand
  let right: ContractOperand

  public init(left: ContractOperand, right: ContractOperand) {
    self.left = left
    self.right = right
  }

  /// Elements of scratch: the packed operands.
  public var scratchCount: Int {
    (left.isPacked ? 0 : left.count) + (right.isPacked ? 0 : right.count)
  }

  /// `y` gets `[batch, left rows, right rows]`.
  public func run(
    _ dtype: DType, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    into y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    switch dtype {
    case .float32: run(Float.self, a, b, y, scratch, pool, Float.dots)
    case .float64: run(Double.self, a, b, y, scratch, pool, Double.dots)
    default:
      visitNumeral(dtype, Visit(kernel: self, a: a, b: b, y: y, scratch: scratch, pool: pool))
    }
  }

  /// The elements at `kept[i] + folded[s]` summed over `folded`.
  public static func fold(
    _ dtype: DType, _ x: UnsafeRawPointer, kept: Table, folded: Table,
    into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    visitNumeral(dtype, FoldVisit(x: x, kept: kept, folded: folded, y: y, pool: pool))
  }

  private struct FoldVisit: NumeralVisitor {
    let x: UnsafeRawPointer
    let kept: Table
    let folded: Table
    let y: UnsafeMutableRawPointer
    let pool: ThreadPool
    func visit<T: Numeral>(_: T.Type) {
      let x = x.assumingMemoryBound(to: T.self)
      let y = y.assumingMemoryBound(to: T.self)
      let tile = 4096
      pool.run((kept.count + tile - 1) / tile) { piece in
        for i in piece * tile..<min(kept.count, (piece + 1) * tile) {
          var sum = T.zeroValue
          for s in 0..<folded.count { sum = T.plus(sum, x[kept[i] + folded[s]]) }
          y[i] = sum
        }
      }
    }
  }

  private struct Visit: NumeralVisitor {
    let kernel: ContractKernel
    let a: UnsafeRawPointer
    let b: UnsafeRawPointer
    let y: UnsafeMutableRawPointer
    let scratch: UnsafeMutableRawPointer
    let pool: ThreadPool
    func visit<T: Numeral>(_: T.Type) {
      kernel.run(T.self, a, b, y, scratch, pool) {
        (m, n, depth, a, lda, b, ldb, c, ldc, _) in
        for i in 0..<m {
          for j in 0..<n {
            var sum = T.zeroValue
            for k in 0..<depth { sum = T.plus(sum, T.times(a[i * lda + k], b[j * ldb + k])) }
            c[i * ldc + j] = sum
          }
        }
      }
    }
  }

  private typealias Dots<T> = (
    Int, Int, Int, UnsafePointer<T>, Int, UnsafePointer<T>, Int, UnsafeMutablePointer<T>, Int, Bool
  ) -> Void

  private func run<T: Numeral>(
    _: T.Type, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool, _ dots: Dots<T>
  ) {
    var free = scratch.assumingMemoryBound(to: T.self)
    var from = a.assumingMemoryBound(to: T.self)
    var with = b.assumingMemoryBound(to: T.self)
    if !left.isPacked {
      left.pack(from, free, pool)
      from = UnsafePointer(free)
      free += left.count
    }
    if !right.isPacked {
      right.pack(with, free, pool)
      with = UnsafePointer(free)
    }
    let y = y.assumingMemoryBound(to: T.self)
    let (rows, columns, depth) = (left.row.count, right.row.count, left.depth.count)
    let (lhs, rhs) = (from, with)
    let tiles = (rows + 15) / 16
    withoutActuallyEscaping(dots) { dots in
      pool.run(left.batch.count * tiles) { i in
        let (b, first) = (i / tiles, i % tiles * 16)
        dots(
          min(16, rows - first), columns, depth, lhs + (b * rows + first) * depth, depth,
          rhs + b * columns * depth, depth, y + (b * rows + first) * columns, columns, false)
      }
    }
  }
}
