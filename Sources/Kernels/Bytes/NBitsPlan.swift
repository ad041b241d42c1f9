import CKernels
import Tensors

/// The product of float32 rows with weights of few bits, everything settled but the memory:
/// `Y[i, j] = sum over k of X[i, k] (code[j, k] - zero) scale + bias[j]`.
///
/// With AVX-512 VNNI rows are multiplied as codes of 8 bits: one plane of them where rounding is
/// allowed, else three, 24 bits of a block's largest number. Elsewhere few rows of float32 read the
/// codes once and are bound by that; many are multiplied with panels made into float32. Work is
/// split over columns.
public struct NBitsPlan: Sendable {
  /// Rows from which panels are made into float32 first.
  static let manyRows = 17
  /// Elements of a block up to which sums of three planes fit.
  static let mostOfPlanes = 256

  public let m: Int
  public let label: String
  /// 64-byte aligned.
  public let scratchBytes: Int
  private let weights: PackedNBits
  private let scales: Storage
  private let zeros: Storage?
  private let zero: Int
  /// Planes of codes of a row; 0 for float32.
  private let planes: Int
  private let wide: (full: GemmPlan, last: GemmPlan)?
  private let pieces: Int
  private let pieceBytes: Int
  private let rowBytes: Int
  private let isa: InstructionSet

  /// - `scales`: float32 in panels; `zeros`: uint8 in panels, nil where `zero` is for all.
  /// - `rounds`: whether rows may be rounded to int8, a scale for each block.
  /// - `isExact`: whether each product must be one of float32.
  public init(
    m: Int, _ weights: PackedNBits, scales: Storage, zeros: Storage?, zero: Int, rounds: Bool,
    isExact: Bool, hasBias: Bool, threads: Int, isa: InstructionSet = .current
  ) {
    let (n, k) = (weights.n, weights.k)
    let depth = weights.blocks * weights.block
    self.m = m
    self.isa = isa
    self.weights = weights
    self.scales = scales
    self.zeros = zeros
    self.zero = zero
    let hasCodes = isa >= .avx512vnni && !isExact && weights.block <= Self.mostOfPlanes
    planes = isa >= .avx512vnni && rounds ? 1 : hasCodes ? 3 : 0
    let isMany = planes == 0 && m >= Self.manyRows
    let isWorth = Double(m) * Double(n) * Double(k) >= 400_000
    let strips = (n + 63) / 64
    pieces = isWorth && threads > 1 ? min(strips, threads * 4) : 1
    // What is staged for each row: numbers or codes, scales and sums of blocks, whether codes say
    // it all. Where they do not, numbers take their place.
    rowBytes = max(depth * planes, planes == 1 ? 0 : depth * 4) + weights.blocks * 8 + 1
    if isMany {
      func plan(_ width: Int) -> GemmPlan {
        var e = GemmPlan.Epilogue()
        if hasBias { e = .biasPerColumn }
        return GemmPlan(
          m: m, n: width, k: k, b: .init(row: 64, column: 1), c: n, epilogue: e, isa: isa)
      }
      let (full, last) = (plan(min(n, 64)), plan(n - (strips - 1) * 64))
      wide = (full, last)
      let own = max(full.scratchBytes, last.scratchBytes)
      pieceBytes = depth * 256 + GemmPlan.aligned(own)
      scratchBytes = pieces * pieceBytes
      label = full.label + " \(weights.bits) bits"
    } else {
      wide = nil
      pieceBytes = 0
      scratchBytes = GemmPlan.aligned(m * rowBytes)
      label =
        "\(weights.bits) bits by " + ["float32", "int8"][planes % 2] + (planes == 3 ? " x3" : "")
    }
  }

  /// `bias`: nil where there is none.
  public func run(
    _ x: UnsafePointer<Float>, bias: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let (n, strips) = (weights.n, (weights.n + 63) / 64)
    var planes = planes
    if wide == nil {
      stage(x, planes, scratch, pool)
      if planes == 3, !isWhole(scratch) {
        planes = 0
        stage(x, planes, scratch, pool)
      }
    }
    let form = planes
    pool.run(pieces) { piece in
      let (s0, s1) = (piece * strips / pieces, (piece + 1) * strips / pieces)
      if let wide {
        for s in s0..<s1 {
          let plan = s == strips - 1 ? wide.last : wide.full
          runWide(plan, column: s * 64, x, bias, y, scratch + piece * pieceBytes)
        }
      } else {
        let j0 = s0 * 64
        runFew(j0, min(n, s1 * 64) - j0, form, bias.map { $0 + j0 }, y + j0, scratch)
      }
    }
  }

  private func at(_ column: Int) -> dl_nbits_weights {
    let panel = column / 32
    let each = panel * weights.blocks * 32
    return dl_nbits_weights(
      codes: weights.codes + panel * weights.panelBytes,
      scales: UnsafePointer(scales.bytes.assumingMemoryBound(to: Float.self)) + each,
      zeros: zeros.map { UnsafePointer($0.bytes.assumingMemoryBound(to: UInt8.self)) + each },
      zero: Int32(zero), bits: Int32(weights.bits), blocks: weights.blocks,
      sub: weights.block / 32)
  }

  /// What stands behind the rows: scales, sums, whether codes say all of a row.
  private func parts(
    _ scratch: UnsafeMutableRawPointer, _ planes: Int
  ) -> (
    scales: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>,
    UnsafeMutablePointer<Bool>
  ) {
    let each = m * weights.blocks
    let scales = (scratch + m * weights.blocks * weights.block * (planes == 0 ? 4 : planes))
      .assumingMemoryBound(to: Float.self)
    let flags = UnsafeMutableRawPointer(scales + 2 * each).assumingMemoryBound(to: Bool.self)
    return (scales, scales + each, flags)
  }

  private func isWhole(_ scratch: UnsafeMutableRawPointer) -> Bool {
    UnsafeBufferPointer(start: parts(scratch, planes).2, count: m).allSatisfy { $0 }
  }

  private func stage(
    _ x: UnsafePointer<Float>, _ planes: Int, _ scratch: UnsafeMutableRawPointer,
    _ pool: ThreadPool
  ) {
    let (k, blocks, block) = (weights.k, weights.blocks, weights.block)
    let (m, depth) = (m, blocks * block)
    let (scales, sums, flags) = parts(scratch, planes)
    let each = max(1, 8192 / max(k, 1))
    pool.run((m + each - 1) / each) { piece in
      for i in piece * each..<min(m, (piece + 1) * each) {
        if planes > 0 {
          let codes = scratch.assumingMemoryBound(to: Int8.self) + i * depth * planes
          #if arch(x86_64)
            let quantize = dl_nbits_quantize__avx512
          #else
            let quantize = dl_nbits_quantize__scalar
          #endif
          flags[i] =
            quantize(
              k, blocks, block, Int32(planes), x + i * k, codes, scales + i * blocks,
              sums + i * blocks) != 0
        } else {
          let rows = scratch.assumingMemoryBound(to: Float.self)
          dl_nbits_stage(k, blocks, block, x + i * k, rows + i * depth, sums + i * blocks)
        }
      }
    }
  }

  private func runFew(
    _ j0: Int, _ n: Int, _ planes: Int, _ bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutableRawPointer
  ) {
    if n <= 0 { return }
    var w = at(j0)
    let (scales, sums, _) = parts(scratch, planes)
    if planes > 0 {
      let codes = scratch.assumingMemoryBound(to: Int8.self)
      #if arch(x86_64)
        let product = dl_nbits_s8__vnni
      #else
        let product = dl_nbits_s8__scalar
      #endif
      product(m, n, Int32(planes), codes, scales, sums, &w, bias, y, weights.n)
      return
    }
    let rows = scratch.assumingMemoryBound(to: Float.self)
    var product = dl_nbits_f32__scalar
    #if arch(x86_64)
      if isa >= .avx512 {
        product = dl_nbits_f32__avx512
      } else if isa >= .avx2 {
        product = dl_nbits_f32__avx2
      }
    #endif
    product(m, n, rows, sums, &w, bias, y, weights.n)
  }

  private func runWide(
    _ plan: GemmPlan, column: Int, _ x: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutableRawPointer
  ) {
    var w = at(column)
    let panel = scratch.assumingMemoryBound(to: Float.self)
    var unpack = dl_nbits_unpack__scalar
    #if arch(x86_64)
      if isa >= .avx512 { unpack = dl_nbits_unpack__avx512 }
    #endif
    unpack(plan.n, &w, panel)
    plan.run(
      a: x, b: panel, c: y + column, addend: bias.map { UnsafeRawPointer($0 + column) },
      scratch: scratch + weights.blocks * weights.block * 256, pool: .single)
  }
}
