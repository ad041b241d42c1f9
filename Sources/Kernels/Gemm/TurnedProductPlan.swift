import CKernels
import Tensors

/// A product `C = A' B` of float32 with a long sum, as the gradients by weights are: A `[k, m]` and
/// B `[k, n]` lie row by row, C `[m, n]`.
///
/// The sum is cut into stretches. In each, every thread packs the rows of A' and those of B that its
/// part of C takes, so that both are read from memory once, along their rows, and multiplied from the
/// second-level cache, where B's next stretch comes in meanwhile; C is added to. Where C's
/// columns would leave a small rest and its rows none, the transposed product is taken. Sums have
/// the order of `k`: results do not depend on the number of threads, and are those of `GemmPlan`.
public struct TurnedProductPlan: Sendable {
  public let scratchBytes: Int
  public let label: String

  /// Steps of the sum in a stretch.
  static let stretch = 256

  /// Of the product that is computed: A and B exchanged where `isTransposed`.
  let m: Int
  let n: Int
  let k: Int
  let isTransposed: Bool
  let kernel: GemmKernel
  let isa: InstructionSet
  let rowBlocks: Int
  let columnBlocks: Int
  let isParallel: Bool
  let pieceBytes: Int
  let leftBytes: Int
  let resultBytes: Int

  /// Nil where the sum is too short, C too small, or the machine has no tile for it.
  public init?(m: Int, n: Int, k: Int, threads: Int = 1, isa: InstructionSet = .current) {
    guard isa >= .avx512, k >= 128, m >= 16, n >= 16 else { return nil }
    isTransposed = (1...32).contains(n % 64) && m % 64 == 0
    (self.m, self.n) = isTransposed ? (n, m) : (m, n)
    self.k = k
    self.isa = isa
    kernel = GemmKernel.best(.float32, isa)
    let (strips, panels) = (kernel.strips(self.m), kernel.panels(self.n))
    isParallel = threads > 1 && Double(m) * Double(n) * Double(k) >= 131_072
    let goal = isParallel ? threads * 2 : 1
    // At most 16 panels at once.
    columnBlocks = min(panels, max(goal, (panels + 15) / 16))
    rowBlocks = min(strips, max((goal + columnBlocks - 1) / columnBlocks, (self.m + 511) / 512))
    let blockRows = (strips + rowBlocks - 1) / rowBlocks * kernel.mr
    leftBytes = GemmPlan.aligned(blockRows * Self.stretch * 4)
    let blockPanels = (panels + columnBlocks - 1) / columnBlocks
    pieceBytes = leftBytes + GemmPlan.aligned(blockPanels * kernel.nr * Self.stretch * 4)
    resultBytes = isTransposed ? GemmPlan.aligned(m * n * 4) : 0
    scratchBytes = resultBytes + pieceBytes * (isParallel ? rowBlocks * columnBlocks : 1)
    label = "\(kernel.label) turned"
  }

  public func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let (left, right) = isTransposed ? (b, a) : (a, b)
    let result = isTransposed ? scratch : c
    let count = rowBlocks * columnBlocks
    let own = scratch + resultBytes
    (isParallel ? pool : .single).run(count) { piece in
      runPiece(
        piece / columnBlocks, piece % columnBlocks, left, right, result,
        own + (isParallel ? piece * pieceBytes : 0))
    }
    if !isTransposed { return }
    let from = scratch.assumingMemoryBound(to: Float.self)
    let to = c.assumingMemoryBound(to: Float.self)
    let (rows, columns) = (m, n)
    for j in 0..<columns {
      for i in 0..<rows { to[j * rows + i] = from[i * columns + j] }
    }
  }

  private func runPiece(
    _ row: Int, _ column: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ c: UnsafeMutableRawPointer, _ scratch: UnsafeMutableRawPointer
  ) {
    let (strips, panels) = (kernel.strips(m), kernel.panels(n))
    let (s0, s1) = (row * strips / rowBlocks, (row + 1) * strips / rowBlocks)
    let (p0, p1) = (column * panels / columnBlocks, (column + 1) * panels / columnBlocks)
    let top = s0 * m / strips
    let right = scratch + leftBytes
    var e = dl_gemm_epilogue(GemmPlan.Epilogue())
    let first = p0 * kernel.nr
    let columns = min(n, p1 * kernel.nr) - first
    let panel = kernel.nr * Self.stretch
    for k0 in stride(from: 0, to: k, by: Self.stretch) {
      let kc = min(Self.stretch, k - k0)
      // Strips share lines: all take a few steps of the sum before the next ones are read.
      for step in stride(from: 0, to: kc, by: 16) {
        for s in s0..<s1 {
          let (r0, r1) = (s * m / strips, (s + 1) * m / strips)
          pack(
            scratch + ((r0 - top) * kc + step * (r1 - r0)) * 4, width: r1 - r0,
            from: a + ((k0 + step) * m + r0) * 4, count: r1 - r0, across: 1,
            k: min(16, kc - step), along: m, byteSize: 4, isa: isa)
        }
      }
      #if arch(x86_64)
        dl_pack_panels_32__avx512(
          right.assumingMemoryBound(to: UInt32.self), panel,
          (b + (k0 * n + first) * 4).assumingMemoryBound(to: UInt32.self), columns, kc, n)
      #endif
      e.accumulate = k0 > 0 ? 1 : 0
      e.final = k0 + kc >= k ? 1 : 0
      // Each tile fetches one line of all rows of the next stretch, until all are there.
      let following = k0 + kc < k ? (columns + 15) / 16 : 0
      e.next_step = n * 4
      var done = 0
      for p in p0..<p1 {
        let c0 = p * kernel.nr
        let width = min(kernel.nr, n - c0)
        for s in s0..<s1 {
          let (r0, r1) = (s * m / strips, (s + 1) * m / strips)
          e.next = done < following ? b + ((k0 + kc) * n + first + done * 16) * 4 : nil
          done += 1
          kernel.tile(
            r1 - r0, width, kc, scratch + (r0 - top) * kc * 4, 1, r1 - r0,
            right + (p - p0) * panel * 4, kernel.nr, c + (r0 * n + c0) * 4, n, &e)
        }
      }
    }
  }
}
