import CKernels
import Tensors

/// A forest made ready to run: `[N, features]` to sums of weights for each row and target.
///
/// Numbers are compared in float32 for float16, float32, int32 and int64 inputs (integers are
/// converted) and in float64 for float64, and added in the same type, in the order of trees: rows
/// do not depend on each other, nor on the number of threads.
public final class ForestKernel: @unchecked Sendable {
  /// What a block of rows came to: `sums[target * stride + row]`.
  public struct Block<S> {
    public let sums: UnsafeMutablePointer<S>
    /// Whether a row's target got any weight, laid out alike; nil where nobody asked.
    public let has: UnsafeMutablePointer<UInt8>?
    public let stride: Int
    public let first: Int
    public let count: Int
  }

  public let isNarrow: Bool
  public let label: String
  public let scratchBytes: Int
  private let targets: Int
  let source: DType
  let features: Int
  let rows: Int
  public let count: Int
  let pieces: Int
  private let tracksPresence: Bool
  private let packed: PackedForest?
  private let plain: PlainForest?
  private let isa: LaneSet
  // Offsets into a piece's scratch, in bytes.
  private let xOffset: Int
  private let xtOffset: Int
  private let atOffset: Int
  private let listOffset: Int
  private let hasOffset: Int
  private let pieceBytes: Int

  /// - `source`: float16, float32, float64, int32 or int64. `tracksPresence`: `Block.has` is
  ///   wanted, which only the plain kernel knows.
  /// - Errors: `.shape` when rows lack a feature, `.budget` when there is no memory.
  public init(
    _ store: ForestStore, source: DType, rows count: Int, features: Int,
    tracksPresence: Bool = false, threads: Int = 1, isPlain: Bool = false
  ) throws(EngineError) {
    let forest = store.forest
    guard features >= forest.featureCount else {
      throw EngineError(
        .shape, "rows are too short for the trees", expected: "\(forest.featureCount) features",
        received: "\(features)")
    }
    targets = forest.targetCount
    self.source = source
    self.features = features
    self.count = count
    isNarrow = source != .float64
    self.tracksPresence = tracksPresence
    isa = store.isa
    packed = isPlain || tracksPresence ? nil : try store.packed(isNarrow: isNarrow)
    plain = packed == nil ? store.plain : nil
    rows = packed?.rows ?? 64
    let width = packed.map { max(1, $0.width) } ?? 2 * features
    label = packed?.label ?? "forest plain"
    // Narrow inputs of two bytes are widened into a block of their own.
    let half = source == .float16 ? features * rows * 4 : 0
    let real = packed.map { $0.isCompact ? 4 : 8 } ?? 8
    func aligned(_ n: Int) -> Int { (n + 63) & ~63 }
    var at = aligned(rows * targets * 8)
    xOffset = at
    at += aligned(rows * width * real)
    xtOffset = at
    at += aligned(rows * width * 4 + 256)
    atOffset = at
    let items = aligned((max(rows, forest.roots.count) + 16) * 4)
    at += items
    listOffset = at
    at += items
    hasOffset = at
    at += aligned(rows * targets)
    pieceBytes = at + aligned(half)
    let blocks = (count + rows - 1) / rows
    pieces = max(1, min(blocks, threads <= 1 ? 1 : threads * 8))
    let (bytes, overflow) = pieceBytes.multipliedReportingOverflow(by: pieces)
    guard !overflow else { throw EngineError(.budget, "the forest needs too much memory") }
    scratchBytes = bytes
  }

  /// Runs all rows; `finish` is called for each block, on any thread.
  public func run<S: BinaryFloatingPoint>(
    _ x: UnsafeRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool, _: S.Type,
    finish: (Block<S>) -> Void
  ) {
    precondition((S.self == Float.self) == isNarrow, "sums in another type")
    let blocks = (count + rows - 1) / rows
    pool.run(pieces) { piece in
      let own = scratch + piece * pieceBytes
      var b = blocks * piece / pieces
      let end = blocks * (piece + 1) / pieces
      while b < end {
        finish(block(x, own, first: b * rows, S.self))
        b += 1
      }
    }
  }

  private func block<S: BinaryFloatingPoint>(
    _ x: UnsafeRawPointer, _ own: UnsafeMutableRawPointer, first: Int, _: S.Type
  ) -> Block<S> {
    let n = min(rows, count - first)
    let sums = own.assumingMemoryBound(to: S.self)
    var from = x + first * features * source.byteSize
    var code: Int32
    switch source {
    case .float64: code = 1
    case .int32: code = 2
    case .int64: code = 3
    default: code = 0
    }
    if source == .float16 {
      let halves = from.assumingMemoryBound(to: UInt16.self)
      let wide = (own + pieceBytes - ((features * rows * 4 + 63) & ~63))
        .assumingMemoryBound(to: Float.self)
      HalfFloats.widen(
        halves, to: wide, count: n * features, isBrain: false, pool: .single)
      from = UnsafeRawPointer(wide)
      code = 0
    }
    let has = (own + hasOffset).assumingMemoryBound(to: UInt8.self)
    if let plain {
      plain.run(
        from, code, features, n, rows, targets, own + xOffset, sums, has, isNarrow: isNarrow)
    } else if let packed {
      for k in 0..<targets {
        for r in 0..<n { sums[k * rows + r] = 0 }
      }
      packed.run(
        from, code, features, n, own + xOffset, own + xtOffset,
        (own + atOffset).assumingMemoryBound(to: UInt32.self),
        (own + listOffset).assumingMemoryBound(to: UInt32.self), UnsafeMutableRawPointer(sums),
        isNarrow: isNarrow, isa)
    }
    return Block(sums: sums, has: tracksPresence ? has : nil, stride: rows, first: first, count: n)
  }
}
