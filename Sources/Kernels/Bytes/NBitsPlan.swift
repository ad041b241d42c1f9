import CKernels
import Tensors

/// The product of float32 rows with weights of few bits, everything settled but the memory:
/// `Y[i, j] = sum over k of X[i, k] (code[j, k] - zero) scale + bias[j]`.
///
/// Few rows read the codes once and are bound by that; many are multiplied with panels made into
/// float32. Work is split over columns.
public struct NBitsPlan: Sendable {
  /// Rows from which panels are made into float32 first.
  static let manyRows = 17

  public let m: Int
  public let label: String
  /// 64-byte aligned.
  public let scratchBytes: Int
  private let weights: PackedNBits
  private let scales: Storage
  private let zeros: Storage?
  private let zero: Int
  private let rounds: Bool
  private let wide: (full: GemmPlan, last: GemmPlan)?
  private let pieces: Int
  private let pieceBytes: Int
  private let rowBytes: Int
  private let isa: InstructionSet

  /// - `scales`: float32 in panels; `zeros`: uint8 in panels, nil where `zero` is for all.
  /// - `rounds`: whether rows may be rounded to int8, a scale for each block.
  public init(
    m: Int, _ weights: PackedNBits, scales: Storage, zeros: Storage?, zero: Int, rounds: Bool,
    hasBias: Bool, threads: Int, isa: InstructionSet = .current
  ) {
    let (n, k) = (weights.n, weights.k)
    let depth = weights.blocks * weights.block
    self.m = m
    self.isa = isa
    self.weights = weights
    self.scales = scales
    self.zeros = zeros
    self.zero = zero
    self.rounds = rounds && isa >= .avx512vnni
    let isMany = !self.rounds && m >= Self.manyRows
    let isWorth = Double(m) * Double(n) * Double(k) >= 400_000
    let strips = (n + 63) / 64
    pieces = isWorth && threads > 1 ? min(strips, threads * 4) : 1
    // What is staged for each row: numbers or codes, scales and sums of blocks.
    rowBytes = self.rounds ? depth + weights.blocks * 8 : depth * 4 + weights.blocks * 4
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
      label = "\(weights.bits) bits by " + (self.rounds ? "int8" : "float32")
    }
  }

  /// `bias`: nil where there is none.
  public func run(
    _ x: UnsafePointer<Float>, bias: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let (n, strips) = (weights.n, (weights.n + 63) / 64)
    if wide == nil { stage(x, scratch, pool) }
    pool.run(pieces) { piece in
      let (s0, s1) = (piece * strips / pieces, (piece + 1) * strips / pieces)
      if let wide {
        for s in s0..<s1 {
          let plan = s == strips - 1 ? wide.last : wide.full
          runWide(plan, column: s * 64, x, bias, y, scratch + piece * pieceBytes)
        }
      } else {
        let j0 = s0 * 64
        runFew(j0, min(n, s1 * 64) - j0, bias.map { $0 + j0 }, y + j0, scratch)
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

  private func stage(
    _ x: UnsafePointer<Float>, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let (k, blocks, block) = (weights.k, weights.blocks, weights.block)
    let depth = blocks * block
    let (m, rounds) = (m, rounds)
    let each = max(1, 8192 / max(k, 1))
    pool.run((m + each - 1) / each) { piece in
      for i in piece * each..<min(m, (piece + 1) * each) {
        if rounds {
          let codes = scratch.assumingMemoryBound(to: Int8.self) + i * depth
          let scales = (scratch + m * depth).assumingMemoryBound(to: Float.self)
          let sums = (scratch + m * (depth + 4 * blocks)).assumingMemoryBound(to: Int32.self)
          #if arch(x86_64)
            dl_nbits_quantize__avx512(
              k, blocks, block, x + i * k, codes, scales + i * blocks, sums + i * blocks)
          #else
            dl_nbits_quantize__scalar(
              k, blocks, block, x + i * k, codes, scales + i * blocks, sums + i * blocks)
          #endif
        } else {
          let rows = scratch.assumingMemoryBound(to: Float.self)
          dl_nbits_stage(
            k, blocks, block, x + i * k, rows + i * depth, rows + m * depth + i * blocks)
        }
      }
    }
  }

  private func runFew(
    _ j0: Int, _ n: Int, _ bias: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutableRawPointer
  ) {
    if n <= 0 { return }
    let (depth, blocks, ldy) = (weights.blocks * weights.block, weights.blocks, weights.n)
    var w = at(j0)
    if rounds {
      let codes = UnsafePointer(scratch.assumingMemoryBound(to: Int8.self))
      let scales = UnsafePointer((scratch + m * depth).assumingMemoryBound(to: Float.self))
      let sums = UnsafePointer(
        (scratch + m * (depth + 4 * blocks)).assumingMemoryBound(to: Int32.self))
      #if arch(x86_64)
        dl_nbits_s8__vnni(m, n, codes, scales, sums, &w, bias, y, ldy)
      #else
        dl_nbits_s8__scalar(m, n, codes, scales, sums, &w, bias, y, ldy)
      #endif
      return
    }
    let rows = UnsafePointer(scratch.assumingMemoryBound(to: Float.self))
    let sums = rows + m * depth
    #if arch(x86_64)
      if isa >= .avx512 {
        dl_nbits_f32__avx512(m, n, rows, sums, &w, bias, y, ldy)
        return
      } else if isa >= .avx2 {
        dl_nbits_f32__avx2(m, n, rows, sums, &w, bias, y, ldy)
        return
      }
    #endif
    dl_nbits_f32__scalar(m, n, rows, sums, &w, bias, y, ldy)
  }

  private func runWide(
    _ plan: GemmPlan, column: Int, _ x: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutableRawPointer
  ) {
    var w = at(column)
    let panel = scratch.assumingMemoryBound(to: Float.self)
    #if arch(x86_64)
      if isa >= .avx512 {
        dl_nbits_unpack__avx512(plan.n, &w, panel)
      } else {
        dl_nbits_unpack__scalar(plan.n, &w, panel)
      }
    #else
      dl_nbits_unpack__scalar(plan.n, &w, panel)
    #endif
    plan.run(
      a: x, b: panel, c: y + column, addend: bias.map { UnsafeRawPointer($0 + column) },
      scratch: scratch + weights.blocks * weights.block * 256, pool: .single)
  }
}
