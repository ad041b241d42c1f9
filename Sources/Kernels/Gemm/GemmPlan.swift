import CKernels
import Tensors

/// A matrix product `C = alpha * A * B + beta * addend`, clipped, with everything settled but the
/// memory: A `[m, k]`, B `[k, n]`, C `[m, n]`.
///
/// Sums of float32 are held in float32 and added in the order of `k` (four interleaved partial
/// sums for up to three rows where B is large or not packed). Results do not depend on the number of threads: work is split over
/// rows and columns of C. `k = 0` gives sums of zero.
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
  /// What computes a product of few rows.
  let rows: GemmRows?
  /// A is one row that already lies as a strip would.
  let readsA: Bool
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
    readsA = packedA == nil && m == 1 && a.column == 1
    readsB = packedB == nil && !kernel.isPadded && b.column == 1 && strips <= 2
    isVector = readsA && readsB && element == .float32
    let takesRows = packedB != nil && packedA == nil && element == .float32 && post == nil
    self.rows =
      takesRows
      ? GemmRows(
        m: m, n: n, k: k, a: a, epilogue: epilogue, nr: kernel.nr, threads: threads, isa: isa)
      : nil
    packedBBytes = packedB != nil || readsB ? 0 : GemmPlan.aligned(panels * kernel.nr * k * es)

    // Blocks of rows whose packed part stays in the second-level cache; blocks of columns so that
    // every thread finds work, each wide enough to be worth packing A for.
    let work = Double(m) * Double(n) * Double(k)
    var rows = max(1, (strips * kernel.mr + 127) / 128)
    var columns = 1
    let goal = threads > 1 && work >= 131_072 ? threads * 3 : 1
    let narrowest = packedA != nil || readsA ? 1 : 4
    while rows * columns < goal && panels / (columns + 1) >= narrowest { columns += 1 }
    while rows * columns < goal && rows < strips { rows += 1 }
    rowBlocks = rows
    columnBlocks = columns
    pieces = goal == 1 ? 1 : min(rows * columns, threads * 4)
    blockBytes =
      packedA != nil || readsA || self.rows != nil
      ? 0
      : GemmPlan.aligned(((strips + rows - 1) / rows) * kernel.mr * GemmKernel.depth(k) * es)
    scratchBytes = packedBBytes + pieces * blockBytes
    label = isVector ? "gemv \(isa)" : self.rows != nil ? "rows \(isa)" : kernel.label
  }

  static func aligned(_ bytes: Int) -> Int { (bytes + 63) & ~63 }

  /// Computes the product. `a` or `b` are ignored where the factor is packed; `addend` is nil
  /// where `beta` is 0, `residual` where `post` adds none. The memory must be as large as sizes and
  /// layouts say.
  public func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    addend: UnsafeRawPointer? = nil, residual: UnsafeRawPointer? = nil,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    guard m > 0, n > 0 else { return }
    if let rows, let packedB {
      rows.run(self, a: a, b: UnsafeRawPointer(packedB.bytes), c: c, bias: addend, pool: pool)
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
          row: block / columnBlocks, column: block % columnBlocks, a, b, c, addend, residual,
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
    let depth = GemmKernel.depth(k)
    let groups = min(panels, pieces)
    pool.run(groups) { group in
      var k0 = 0
      while k0 < k {
        let kc = min(depth, k - k0)
        for p in (group * panels / groups)..<((group + 1) * panels / groups) {
          let c0 = p * kernel.nr
          pack(
            to + (k0 * panels + p * kc) * kernel.nr * es, width: kernel.nr,
            from: b + (k0 * self.b.row + c0 * self.b.column) * es,
            count: min(kernel.nr, n - c0), across: self.b.column, k: kc, along: self.b.row,
            byteSize: es, isa: isa)
        }
        k0 += kc
      }
    }
  }

  /// A block of rows and columns: all of their sums, one depth after the other.
  private func runBlock(
    row: Int, column: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ c: UnsafeMutableRawPointer, _ addend: UnsafeRawPointer?, _ residual: UnsafeRawPointer?,
    packedRight: UnsafeRawPointer, strips block: UnsafeMutableRawPointer
  ) {
    let es = element.byteSize
    let (strips, panels) = (kernel.strips(m), kernel.panels(n))
    let (s0, s1) = (row * strips / rowBlocks, (row + 1) * strips / rowBlocks)
    let (p0, p1) = (column * panels / columnBlocks, (column + 1) * panels / columnBlocks)
    let top = s0 * m / strips
    let depth = GemmKernel.depth(k)
    var e = dl_gemm_epilogue(epilogue)
    var k0 = 0
    repeat {
      let kc = min(depth, k - k0)
      e.accumulate = k0 > 0 ? 1 : 0
      e.final = k0 + kc >= k ? 1 : 0
      // Where row r of this depth starts in the strips, once multiplied by kc: r - origin.
      var left = UnsafeRawPointer(block)
      var origin = top
      if let packedA {
        left = UnsafeRawPointer(packedA.bytes) + k0 * m * es
        origin = 0
      } else if readsA {
        left = a + k0 * es
      } else {
        for s in s0..<s1 {
          let (r0, r1) = (s * m / strips, (s + 1) * m / strips)
          pack(
            block + (r0 - top) * kc * es, width: r1 - r0,
            from: a + (r0 * self.a.row + k0 * self.a.column) * es, count: r1 - r0,
            across: self.a.row, k: kc, along: self.a.column, byteSize: es, isa: isa)
        }
      }
      for p in p0..<p1 {
        let c0 = p * kernel.nr
        let width = min(kernel.nr, n - c0)
        let right =
          readsB
          ? b + (k0 * self.b.row + c0) * es
          : packedRight + (k0 * panels + p * kc) * kernel.nr * es
        for s in s0..<s1 {
          let (r0, r1) = (s * m / strips, (s + 1) * m / strips)
          e.addend = addend.map {
            $0 + (r0 * epilogue.addend.row + c0 * epilogue.addend.column) * es
          }
          kernel.tile(
            r1 - r0, width, kc, left + (r0 - origin) * kc * es, right,
            readsB ? self.b.row : kernel.nr, c + (r0 * self.c + c0) * es, self.c, &e)
        }
        let done = p + 1 - p0
        if let post, e.final != 0, done % GemmPost.panels == 0 || p + 1 == p1 {
          let first = p0 + (done - 1) / GemmPost.panels * GemmPost.panels
          post.run(
            rows: top..<(s1 * m / strips), columns: (first * kernel.nr)..<(c0 + width), c,
            distance: self.c, residual: residual)
        }
      }
      k0 += kc
    } while k0 < k
  }

  /// One row times a matrix in place.
  private func runVector(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer,
    _ addend: UnsafeRawPointer?, _ residual: UnsafeRawPointer?, _ pool: ThreadPool
  ) {
    let columns = 128
    let groups = (n + columns - 1) / columns
    let pieces = min(groups, self.pieces)
    let row = a.assumingMemoryBound(to: Float.self)
    let matrix = b.assumingMemoryBound(to: Float.self)
    let out = c.assumingMemoryBound(to: Float.self)
    pool.run(pieces) { piece in
      let c0 = piece * groups / pieces * columns
      let width = min((piece + 1) * groups / pieces * columns, n) - c0
      var e = dl_gemm_epilogue(epilogue)
      e.addend = addend.map { $0 + c0 * epilogue.addend.column * 4 }
      defer {
        post?.run(rows: 0..<1, columns: c0..<c0 + width, c, distance: self.c, residual: residual)
      }
      #if arch(x86_64)
        if isa >= .avx512 {
          dl_gemv_f32_rows__avx512(width, k, row, matrix + c0, self.b.row, out + c0, &e)
          return
        } else if isa >= .avx2 {
          dl_gemv_f32_rows__avx2(width, k, row, matrix + c0, self.b.row, out + c0, &e)
          return
        }
      #endif
      dl_gemv_f32_rows__scalar(width, k, row, matrix + c0, self.b.row, out + c0, &e)
    }
  }
}

extension dl_gemm_epilogue {
  /// The last step of a sum in one depth.
  init(_ e: GemmPlan.Epilogue) {
    self.init(
      alpha: e.alpha, beta: e.beta, low: e.low, high: e.high, addend: nil,
      addend_row: e.addend.row, addend_column: e.addend.column, accumulate: 0, final: 1,
      clip: e.low > -.infinity || e.high < .infinity ? 1 : 0)
  }
}
