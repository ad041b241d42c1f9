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
  /// B is read where it lies by the first rows of a block, which keep each panel for the others.
  let keepsB: Bool
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
  /// Threads that take part.
  let slots: Int
  /// What a thread has of its own: a panel of B, and a block of A.
  let panelBytes: Int
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
    // So is a right factor for a single strip, and one whose rows lie together in the first-level
    // cache, unless many strips would meet rows that do not begin with a line.
    let isNear =
      k * min(n, kernel.nr) <= 4096 && b.row * es % 4096 != 0 && (m <= 64 || b.row * es % 64 == 0)
    let isFew = kernel.keepingTile == nil ? m <= 64 : strips == 1
    readsB =
      packedB == nil && !kernel.isPadded && b.column == 1 && (isFew || (m <= 256 && isNear))
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
    keepsB =
      packedB == nil && !readsB && !isColumn && thin == nil && b.column == 1
      && kernel.keepingTile != nil
    packedBBytes =
      packedB != nil || readsB || keepsB || isColumn || thin != nil
      ? 0 : GemmPlan.aligned(panels * kernel.nr * k * es)

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
    panelBytes = keepsB ? GemmPlan.aligned(kernel.nr * depth * es) : 0
    blockBytes =
      panelBytes
      + (packedA != nil || readsA || self.rows != nil
        ? 0 : GemmPlan.aligned(((strips + rows - 1) / rows) * kernel.mr * depth * es))
    slots = min(pieces, threads)
    scratchBytes = packedBBytes + Self.bytes(slots, of: blockBytes)
    label =
      isColumn
      ? "column \(isa)"
      : thin != nil
        ? "thin \(isa)"
        : isVector ? "gemv \(isa)" : self.rows != nil ? "rows \(isa)" : kernel.label
  }

  /// Bytes from what a thread has of its own, so many bytes, to what the next one has: kernels read
  /// 8 KB ahead, and would take lines from the other thread (1.2 times as slow for 12x196x64x196).
  static func step(_ own: Int) -> Int { own == 0 ? 0 : own + 8192 }
  /// Bytes for so many threads.
  static func bytes(_ slots: Int, of own: Int) -> Int { max(slots - 1, 0) * step(own) + own }

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
    pool.run(pieces, slots: slots) { piece, slot in
      for block in (piece * blocks / pieces)..<((piece + 1) * blocks / pieces) {
        runBlock(
          row: block / columnBlocks, column: block % columnBlocks, threads: pool.threads, a, b, c,
          addend, residual,
          packedRight: packedB.map { UnsafeRawPointer($0.bytes) } ?? UnsafeRawPointer(scratch),
          own: scratch + packedBBytes + slot * Self.step(blockBytes))
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
