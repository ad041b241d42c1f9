import CKernels
import Tensors

/// A matrix product `C = alpha * A * B + beta * addend`, clipped, with everything settled but the
/// memory: A `[m, k]`, B `[k, n]`, C `[m, n]`.
///
/// Sums of float32 are held in float32 and added in the order of `k`, each product with one
/// rounding where the machine has fused multiplication with addition. So a row of C has the same
/// bits alone and among others, and for any number of threads: work is split over rows and columns
/// of C. `k = 0` gives sums of zero.
public struct GemmPlan: Sendable {
  /// Distances in elements between rows and between columns of a matrix in memory.
  public struct Layout: Hashable, Sendable {
    public let row: Int
    public let column: Int
    public init(row: Int, column: Int) {
      self.row = row
      self.column = column
    }
  }

  /// What is done to the sums before they are stored. NaN passes the clip.
  public struct Epilogue: Hashable, Sendable {
    public var alpha = 1.0
    /// Factor of the addend; 0 where there is none.
    public var beta = 0.0
    /// How the addend lies: a distance of 0 repeats it along that axis.
    public var addend = Layout(row: 0, column: 0)
    public var low = -Double.infinity
    public var high = Double.infinity
    public init() {}

    /// One element of the addend a column, or a row, of C.
    public static let biasPerColumn = bias(Layout(row: 0, column: 1))
    public static let biasPerRow = bias(Layout(row: 1, column: 0))
    private static func bias(_ layout: Layout) -> Epilogue {
      var e = Epilogue()
      e.beta = 1
      e.addend = layout
      return e
    }
  }

  public let m: Int
  public let n: Int
  public let k: Int
  public let element: GemmElement
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int
  public let label: String

  let kernel: GemmKernel
  let isa: InstructionSet
  let a: Layout
  let b: Layout
  let c: Int
  let epilogue: Epilogue
  let post: GemmPost?
  let packedA: PackedMatrix?
  let packedB: PackedMatrix?
  /// B is read where it lies: it would be read too seldom to be worth packing.
  let readsB: Bool
  let isVector: Bool
  /// B is one column that lies in a row, and nothing is done to the sums.
  let isColumn: Bool
  /// What computes a product of few rows.
  let rows: GemmRows?
  /// What computes a product with short sums and few columns.
  let thin: GemmThin?
  /// A is read where it lies: its rows are contiguous, or its columns are and sums are short.
  let readsA: Bool
  /// Elements of the sum that one pass over a block of rows adds up.
  let depth: Int
  let rowBlocks: Int
  let columnBlocks: Int
  let pieces: Int
  let blockBytes: Int
  let packedBBytes: Int

  /// - `a`, `b`: layouts, row-major by default; ignored for factors that are packed.
  /// - `c`: distance of rows of C, `n` by default.
  /// - `post`: what is done to results before they leave the cache; float types only.
  public init(
    m: Int, n: Int, k: Int, element: GemmElement = .float32, a: Layout? = nil, b: Layout? = nil,
    c: Int? = nil, packedA: PackedMatrix? = nil, packedB: PackedMatrix? = nil,
    epilogue: Epilogue = Epilogue(), post: GemmPost? = nil, threads: Int = 1,
    isa: InstructionSet = .current
  ) {
    precondition(
      packedA.map {
        $0.side == .left && $0.count == m && $0.k == k && $0.element == element
          && $0.isa == isa
      } ?? true, "a packed left factor of another size")
    precondition(
      packedB.map {
        $0.side == .right && $0.count == n && $0.k == k && $0.element == element
          && $0.isa == isa
      } ?? true, "a packed right factor of another size")
    let kernel = GemmKernel.best(element, isa)
    self.m = m
    self.n = n
    self.k = k
    self.element = element
    self.kernel = kernel
    self.isa = isa
    let a = a ?? Layout(row: k, column: 1)
    let b = b ?? Layout(row: n, column: 1)
    self.a = a
    self.b = b
    self.c = c ?? n
    self.packedA = packedA
    self.packedB = packedB
    self.epilogue = epilogue
    self.post = post
    let strips = kernel.strips(m)
    let panels = kernel.panels(n)
    let es = element.byteSize
    // Turned, the rows of a strip share the lines of a short sum.
    readsA = packedA == nil && (a.column == 1 || (a.row == 1 && k <= 64))
    // So is a right factor for few rows, or whose rows lie together in the first-level cache.
    let isNear = k * min(n, kernel.nr) <= 4096 && b.row * es % 4096 != 0
    readsB =
      packedB == nil && !kernel.isPadded && b.column == 1 && (m <= 64 || (m <= 256 && isNear))
    isColumn =
      n == 1 && a.column == 1 && b.row == 1 && packedA == nil && packedB == nil && post == nil
      && element == .float32 && epilogue == Epilogue()
    isVector =
      !isColumn && m == 1 && a.column == 1 && packedA == nil && readsB && element == .float32
    let isPlain = packedA == nil && element == .float32 && post == nil
    self.rows =
      isPlain && packedB != nil
      ? GemmRows(
        m: m, n: n, k: k, a: a, epilogue: epilogue, nr: kernel.nr, threads: threads, isa: isa)
      : nil
    let distance = packedB != nil ? kernel.nr : b.column == 1 ? b.row : nil
    thin = GemmThin(
      m: m, n: n, k: k, a: a, b: isPlain ? distance : nil, epilogue: epilogue, threads: threads,
      isa: isa)
    packedBBytes =
      packedB != nil || readsB || thin != nil ? 0 : GemmPlan.aligned(panels * kernel.nr * k * es)

    // A block of rows of A stays in the second-level cache while the panels of B pass by; very long
    // sums are cut so that a block has rows enough to make up for reading the panels.
    depth = k <= 2048 ? max(k, 1) : (k + (k + 1535) / 1536 - 1) / ((k + 1535) / 1536)
    // Beside two panels, the one at work and the next.
    let room = CacheSizes.level2 / 4 * 3 - 2 * kernel.nr * depth * es
    let blockRows = min(max(room / (depth * es), 48), 192)
    let (rows, columns) = GemmPlan.blocks(
      strips: strips, panels: panels, least: max(1, (m + blockRows - 1) / blockRows),
      threads: threads > 1 && Double(m) * Double(n) * Double(k) >= 131_072 ? threads : 1,
      narrowest: packedA != nil || readsA ? 1 : 2, mr: kernel.mr)
    rowBlocks = rows
    columnBlocks = columns
    pieces = threads == 1 ? 1 : min(rows * columns, threads * 8)
    blockBytes =
      packedA != nil || readsA || self.rows != nil
      ? 0 : GemmPlan.aligned(((strips + rows - 1) / rows) * kernel.mr * depth * es)
    scratchBytes = packedBBytes + pieces * blockBytes
    label =
      isColumn
      ? "column \(isa)"
      : thin != nil
        ? "thin \(isa)"
        : isVector ? "gemv \(isa)" : self.rows != nil ? "rows \(isa)" : kernel.label
  }

  static func aligned(_ bytes: Int) -> Int { (bytes + 63) & ~63 }

  /// Computes the product. `a` or `b` are ignored where the factor is packed, `addend` where `beta`
  /// is 0; `residual` is nil where `post` adds none. The memory must be as large as sizes and layouts
  /// say.
  public func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    addend: UnsafeRawPointer? = nil, residual: UnsafeRawPointer? = nil,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    guard m > 0, n > 0 else { return }
    let addend = epilogue.beta == 0 ? nil : addend
    if let rows, let packedB {
      rows.run(self, a: a, b: UnsafeRawPointer(packedB.bytes), c: c, bias: addend, pool: pool)
      return
    }
    if isColumn {
      runColumn(a, b, c, pool)
      return
    }
    if let thin {
      thin.run(
        self, a: a, b: packedB.map { UnsafeRawPointer($0.bytes) } ?? b, c: c, bias: addend,
        pool: pool)
      return
    }
    if isVector {
      runVector(a, b, c, addend, residual, pool)
      return
    }
    if packedBBytes > 0 { packRight(b, scratch, pool) }
    let blocks = rowBlocks * columnBlocks
    pool.run(pieces) { piece in
      for block in (piece * blocks / pieces)..<((piece + 1) * blocks / pieces) {
        runBlock(
          row: block / columnBlocks, column: block % columnBlocks, threads: pool.threads, a, b, c,
          addend, residual,
          packedRight: packedB.map { UnsafeRawPointer($0.bytes) } ?? UnsafeRawPointer(scratch),
          strips: scratch + packedBBytes + piece * blockBytes)
      }
    }
  }

  private func packRight(
    _ b: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let es = element.byteSize
    let panels = kernel.panels(n)
    let groups = min(panels, pieces)
    pool.run(groups) { group in
      for p in (group * panels / groups)..<((group + 1) * panels / groups) {
        let c0 = p * kernel.nr
        pack(
          to + c0 * k * es, width: kernel.nr, from: b + c0 * self.b.column * es,
          count: min(kernel.nr, n - c0), across: self.b.column, k: k, along: self.b.row,
          byteSize: es, isa: isa)
      }
    }
  }

  /// A block of rows and columns: all of their sums, one depth after the other.
  private func runBlock(
    row: Int, column: Int, threads: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ c: UnsafeMutableRawPointer, _ addend: UnsafeRawPointer?, _ residual: UnsafeRawPointer?,
    packedRight: UnsafeRawPointer, strips block: UnsafeMutableRawPointer
  ) {
    let es = element.byteSize
    let (strips, panels) = (kernel.strips(m), kernel.panels(n))
    let (s0, s1) = (row * strips / rowBlocks, (row + 1) * strips / rowBlocks)
    let (p0, p1) = (column * panels / columnBlocks, (column + 1) * panels / columnBlocks)
    let (top, bottom) = (s0 * m / strips, s1 * m / strips)
    // After the last panel of these rows come the next ones of the thread.
    let isDone = column + 1 == columnBlocks && row + 1 < rowBlocks && readsA && self.a.row == k
    let isOwn = (row + 1) * threads / rowBlocks == row * threads / rowBlocks
    let end = min(row + 2, rowBlocks) * strips / rowBlocks * m / strips
    let wanted = isDone && isOwn ? (a + bottom * k * es, end - bottom) : nil
    var k0 = 0
    repeat {
      let kc = min(depth, k - k0)
      var left = LeftBlock(
        base: a + (top * self.a.row + k0 * self.a.column) * es, row: self.a.row,
        step: self.a.column, top: top, bottom: bottom)
      if let packedA {
        left = LeftBlock(
          base: UnsafeRawPointer(packedA.bytes) + top * k * es, strips: strips, of: m, first: s0,
          until: s1, depth: k, offset: k0)
      } else if !readsA {
        // Turned, strips share lines: all take a few steps of the sum before the next ones are read.
        let steps = self.a.row == 1 ? 16 : kc
        for first in stride(from: 0, to: kc, by: max(1, steps)) {
          for s in s0..<s1 {
            let (r0, r1) = (s * m / strips, (s + 1) * m / strips)
            pack(
              block + ((r0 - top) * kc + first * (r1 - r0)) * es, width: r1 - r0,
              from: a + (r0 * self.a.row + (k0 + first) * self.a.column) * es, count: r1 - r0,
              across: self.a.row, k: min(steps, kc - first), along: self.a.column, byteSize: es,
              isa: isa)
          }
        }
        left = LeftBlock(
          base: UnsafeRawPointer(block), strips: strips, of: m, first: s0, until: s1, depth: kc,
          offset: 0)
      }
      runDepth(
        left, panels: p0..<p1, k0..<k0 + kc, b, c, addend, residual, packedRight: packedRight,
        following: kc == k ? wanted : nil)
      k0 += kc
    } while k0 < k
  }

  /// One depth of the sums of a block.
  private func runDepth(
    _ left: LeftBlock, panels: Range<Int>, _ sum: Range<Int>, _ b: UnsafeRawPointer,
    _ c: UnsafeMutableRawPointer, _ addend: UnsafeRawPointer?, _ residual: UnsafeRawPointer?,
    packedRight: UnsafeRawPointer, following: (left: UnsafeRawPointer, rows: Int)?
  ) {
    let es = element.byteSize
    let (k0, kc) = (sum.lowerBound, sum.count)
    withUnsafeBytes(of: post?.function?.parameters) { parameters in
      var e = dl_gemm_epilogue(epilogue, post)
      e.parameters = parameters.baseAddress?.assumingMemoryBound(to: Double.self)
      e.accumulate = k0 > 0 ? 1 : 0
      e.final = k0 + kc >= k ? 1 : 0
      for p in panels {
        let c0 = p * kernel.nr
        let width = min(kernel.nr, n - c0)
        let right =
          readsB ? b + (k0 * self.b.row + c0) * es : packedRight + (c0 * k + k0 * kernel.nr) * es
        let strips = left.strips(kernel, width: width, es)
        // While this panel is worked on, the next one comes in, each strip fetching its part.
        let isFollowed = !readsB && p + 1 < panels.upperBound && strips > 1
        e.next_step = isFollowed ? (kernel.nr * es / strips + 3) & ~3 : 0
        let isLast = p + 1 == panels.upperBound
        if isLast, let following { e.next_step = (following.rows * es / strips + 3) & ~3 }
        for s in 0..<strips {
          let (r0, count, address, row, step) = left.strip(s, of: strips, es)
          e.addend = addend.map {
            $0 + (r0 * epilogue.addend.row + c0 * epilogue.addend.column) * es
          }
          e.residual = residual.map { $0 + (r0 * e.residual_row + c0) * es }
          e.next = isFollowed ? right + kernel.nr * k * es + s * e.next_step * kc : nil
          if isLast, let following { e.next = following.left + s * e.next_step * kc }
          kernel.tile(
            count, width, kc, address, row, step, right, readsB ? self.b.row : kernel.nr,
            c + (r0 * self.c + c0) * es, self.c, &e)
        }
      }
    }
  }

  /// Rows times one column.
  private func runColumn(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let left = a.assumingMemoryBound(to: Float.self)
    let column = b.assumingMemoryBound(to: Float.self)
    let out = c.assumingMemoryBound(to: Float.self)
    let kernel =
      isa >= .avx512
      ? dl_gemm_f32_column__avx512
      : isa >= .avx2 ? dl_gemm_f32_column__avx2 : dl_gemm_f32_column__scalar
    let pieces = Double(m) * Double(k) >= 65_536 ? min(self.pieces, m) : 1
    pool.run(pieces) { piece in
      let (first, end) = (piece * m / pieces, (piece + 1) * m / pieces)
      kernel(
        end - first, k, left + first * self.a.row, self.a.row, column, out + first * self.c,
        self.c)
    }
  }

  /// One row times a matrix in place.
  private func runVector(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer,
    _ addend: UnsafeRawPointer?, _ residual: UnsafeRawPointer?, _ pool: ThreadPool
  ) {
    let columns = 128
    let groups = (n + columns - 1) / columns
    // Rows of a large matrix are read in as few parts as there are threads.
    let pieces = min(groups, k * n >= 1 << 18 ? min(pool.threads, self.pieces) : self.pieces)
    let row = a.assumingMemoryBound(to: Float.self)
    let matrix = b.assumingMemoryBound(to: Float.self)
    let out = c.assumingMemoryBound(to: Float.self)
    pool.run(pieces) { piece in
      let c0 = piece * groups / pieces * columns
      let width = min((piece + 1) * groups / pieces * columns, n) - c0
      var e = dl_gemm_epilogue(epilogue, post)
      e.addend = addend.map { $0 + c0 * epilogue.addend.column * 4 }
      e.residual = residual.map { $0 + c0 * 4 }
      withUnsafeBytes(of: post?.function?.parameters) { parameters in
        e.parameters = parameters.baseAddress?.assumingMemoryBound(to: Double.self)
        #if arch(x86_64)
          let isLarge = k * width >= 1 << 17
          if isa >= .avx2 {
            let multiply =
              isa >= .avx512
              ? (isLarge ? dl_gemv_f32_wide__avx512 : dl_gemv_f32_rows__avx512)
              : (isLarge ? dl_gemv_f32_wide__avx2 : dl_gemv_f32_rows__avx2)
            multiply(width, k, row, matrix + c0, self.b.row, out + c0, &e)
            return
          }
        #endif
        dl_gemv_f32_rows__scalar(width, k, row, matrix + c0, self.b.row, out + c0, &e)
      }
    }
  }
}
