import CKernels
import Tensors

/// A product of 8-bit integers, `C = A B`, with everything settled but memory and numbers: A
/// `[m, k]` row-major, B `[k, n]`, C `[m, n]`.
///
/// Sums are exact modulo 2^32; zero points enter through sums of rows and columns. Results are the
/// same for any instruction set and number of threads, but for functions of float32.
public struct ByteProductPlan: Sendable {
  public let m: Int
  public let n: Int
  public let k: Int
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int
  public var label: String { kernel.label }

  let kernel: ByteProductKernel
  private let packed: PackedBytes?
  private let aIsSigned: Bool
  private let bIsSigned: Bool
  private let along: Int
  private let across: Int
  private let hasZerosOfB: Bool
  private let function: UnaryKernel?
  private let stages: Bool
  private let rowBlocks: Int
  private let columnBlocks: Int
  // Scratch: numbers of columns (start, column, scale, bias), sums of rows, staged A, packed B.
  private let width: Int
  private let rowSumsAt: Int
  private let stageAt: Int
  private let packAt: Int
  private let stageRow: Int

  /// - `packed`: a constant B. Otherwise `along` and `across` say how it lies, and it is packed in
  ///   every run.
  /// - `hasZerosOfB`: whether zero points of B may differ from 0.
  /// - `function`: applied to float32 after the bias.
  public init(
    m: Int, n: Int, k: Int, aIsSigned: Bool, bIsSigned: Bool, packed: PackedBytes? = nil,
    along: Int = 0, across: Int = 1, hasZerosOfB: Bool = false, function: UnaryKernel? = nil,
    threads: Int = 1, isa: InstructionSet = .current
  ) {
    precondition(
      packed.map { $0.n == n && $0.k == k && $0.isa == isa && $0.isSigned == bIsSigned } ?? true,
      "a packed factor of another size")
    let kernel = ByteProductKernel.best(isa)
    (self.m, self.n, self.k) = (m, n, k)
    self.kernel = kernel
    self.packed = packed
    self.aIsSigned = aIsSigned
    self.bIsSigned = bIsSigned
    self.along = along
    self.across = across
    // Codes of uint8 are flipped to int8, which moves their zero point.
    self.hasZerosOfB = hasZerosOfB || !bIsSigned
    self.function = function
    stages = aIsSigned || kernel.isWide
    stageRow = stages ? kernel.columnBytes(k) : k
    // A block of rows stays in the second-level cache while the panels of B pass by.
    let strips = (m + 5) / 6
    let blockRows = min(max(CacheSizes.level2 / 2 / max(stageRow, 1), 48), 1024)
    let isWorth = Double(m) * Double(n) * Double(k) >= 600_000
    (rowBlocks, columnBlocks) = GemmPlan.blocks(
      strips: strips, panels: kernel.panels(n), least: max(1, (m + blockRows - 1) / blockRows),
      threads: isWorth ? threads : 1, narrowest: 1)
    width = kernel.padded(n)
    rowSumsAt = 16 * width
    stageAt = rowSumsAt + (self.hasZerosOfB ? GemmPlan.aligned(m * 4) : 0)
    packAt = stageAt + (stages ? GemmPlan.aligned(m * stageRow) : 0)
    let packBytes = packed == nil ? width * (kernel.columnBytes(k) + 4) : 0
    scratchBytes = packAt + GemmPlan.aligned(packBytes)
  }

  /// Writes C to `y`, rows `n` elements apart. `b` is ignored where it is packed.
  public func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, _ values: ByteProductValues,
    y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    guard m > 0, n > 0 else { return }
    var panels = UnsafeRawPointer(scratch + packAt)
    var sums = UnsafePointer(
      (scratch + packAt + width * kernel.columnBytes(k)).assumingMemoryBound(to: Int32.self))
    if let packed {
      (panels, sums) = (packed.panels, packed.sums)
    } else {
      let own = UnsafeMutablePointer(mutating: sums)
      pool.run(kernel.panels(n)) { p in
        kernel.pack(
          panel: p, n: n, k: k, b, along: along, across: across, isSigned: bIsSigned,
          to: scratch + packAt, sums: own)
      }
    }
    stage(a, scratch, pool)
    let finish = self.finish(values, sums, y, scratch)
    let left = stages ? UnsafeRawPointer(scratch + stageAt) : a
    let strips = (m + 5) / 6
    let count = kernel.panels(n)
    let (rowBlocks, columnBlocks) = (rowBlocks, columnBlocks)
    let depth = stages ? kernel.depth(k) : k
    withUnsafeBytes(of: function?.parameters) { parameters in
      pool.run(rowBlocks * columnBlocks) { block in
        let (r, c) = (block / columnBlocks, block % columnBlocks)
        let i0 = min(m, r * strips / rowBlocks * 6)
        let i1 = min(m, (r + 1) * strips / rowBlocks * 6)
        let j0 = c * count / columnBlocks * kernel.nr
        let j1 = min(n, (c + 1) * count / columnBlocks * kernel.nr)
        if i0 >= i1 || j0 >= j1 { return }
        var e = finish
        e.parameters = parameters.baseAddress?.assumingMemoryBound(to: Double.self)
        e.move(row: i0, column: j0)
        kernel.block(
          i1 - i0, j1 - j0, depth, left + i0 * stageRow, stageRow,
          panels + j0 * kernel.columnBytes(k), &e)
      }
    }
  }

  /// Rows of A as the kernel wants them, and their sums.
  private func stage(
    _ a: UnsafeRawPointer, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    guard stages || hasZerosOfB else { return }
    let from = a.assumingMemoryBound(to: UInt8.self)
    let flip: Int32 = aIsSigned ? 0x80 : 0
    let sums = (scratch + rowSumsAt).assumingMemoryBound(to: Int32.self)
    let depth = kernel.depth(k)
    let each = max(1, 16384 / max(k, 1))
    pool.run((m + each - 1) / each) { piece in
      for i in piece * each..<min(m, (piece + 1) * each) {
        let row = from + i * k
        if stages {
          let to = scratch + stageAt + i * stageRow
          if kernel.isWide {
            dl_byteproduct_stage_s16(k, depth, row, flip, to.assumingMemoryBound(to: Int16.self))
          } else {
            dl_byteproduct_stage(k, depth, row, flip, to.assumingMemoryBound(to: UInt8.self))
          }
        }
        if hasZerosOfB { sums[i] = dl_byteproduct_sum(k, row, flip) }
      }
    }
  }

  /// The numbers of columns in whole panels, and everything else that a tile's end needs.
  private func finish(
    _ v: ByteProductValues, _ sums: UnsafePointer<Int32>, _ y: UnsafeMutableRawPointer,
    _ scratch: UnsafeMutableRawPointer
  ) -> dl_byteproduct_finish {
    let start = scratch.assumingMemoryBound(to: Int32.self)
    let column = start + width
    let scale = (scratch + 8 * width).assumingMemoryBound(to: Float.self)
    let bias = scale + width
    var e = dl_byteproduct_finish()
    let aZero = aIsSigned ? v.aZero &+ 128 : v.aZero
    for j in 0..<width { start[j] = 0 &- aZero &* sums[j] }
    if hasZerosOfB {
      let all = Int32(truncatingIfNeeded: k) &* aZero
      for j in 0..<width {
        let code: Int32
        if let zeros = v.bZeros, j < n {
          code = QuantizedBytes.code(zeros, j * v.bZeroStep, isSigned: bIsSigned)
        } else {
          code = 0
        }
        column[j] = bIsSigned ? code : code &- 128
        start[j] = start[j] &+ all &* column[j]
      }
      e.row = UnsafePointer((scratch + rowSumsAt).assumingMemoryBound(to: Int32.self))
      e.column = UnsafePointer(column)
    }
    if let extra = v.extra {
      for j in 0..<n { start[j] = start[j] &+ extra[j &* v.extraStep] }
    }
    e.start = UnsafePointer(start)
    e.y = y
    e.y_row = n
    if case .sums = v.output { return e }
    for j in 0..<width { scale[j] = 0 }
    if let scales = v.scales {
      for j in 0..<n { scale[j] = v.factor * scales[j &* v.scaleStep] / v.divisor }
    } else {
      for j in 0..<n { scale[j] = v.factor / v.divisor }
    }
    e.scale = UnsafePointer(scale)
    if let from = v.bias {
      for j in 0..<n { bias[j] = from[j] }
      for j in n..<width { bias[j] = 0 }
      e.bias = UnsafePointer(bias)
    }
    e.function = function?.function
    e.setRounding(v)
    e.setResidual(v, row: n)
    e.setOutput(v)
    return e
  }
}
