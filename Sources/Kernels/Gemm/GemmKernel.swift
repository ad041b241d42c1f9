import CKernels

/// What the elements of a matrix product are.
public enum GemmElement: Sendable {
  case float32
  case float64
  /// 32-bit integers, signed or not: sums and products modulo 2^32 have the same bits.
  case int32
  /// 64-bit integers, signed or not.
  case int64

  /// Bytes of one element.
  public var byteSize: Int { self == .float32 || self == .int32 ? 4 : 8 }
}

/// One register tile of a matrix product: how large it is and what computes it.
struct GemmKernel: Sendable {
  typealias Tile =
    @convention(c) (
      Int, Int, Int, UnsafeRawPointer?, Int, Int, UnsafeRawPointer?, Int,
      UnsafeMutableRawPointer?, Int, UnsafePointer<dl_gemm_epilogue>?
    ) -> Void

  typealias KeepingTile =
    @convention(c) (
      Int, Int, Int, UnsafeRawPointer?, Int, Int, UnsafeRawPointer?, Int,
      UnsafeMutableRawPointer?, Int, UnsafeMutableRawPointer?, UnsafePointer<dl_gemm_epilogue>?
    ) -> Void

  /// Rows of a tile of `nr` columns, and of a strip of a packed left factor.
  let mr: Int
  let nr: Int
  /// Whether whole panels of `nr` columns are read, so that B must be packed.
  let isPadded: Bool
  private let isa: InstructionSet
  let tile: Tile
  /// The tile that also stores the panel which it reads in its matrix; nil where there is none.
  let keepingTile: KeepingTile?
  var label: String { "gemm \(isa) \(mr)x\(nr)" }

  private init(
    _ mr: Int, _ nr: Int, _ isa: InstructionSet, padded: Bool, _ tile: @escaping Tile,
    keeping: KeepingTile? = nil
  ) {
    self.mr = mr
    self.nr = nr
    isPadded = padded
    self.isa = isa
    self.tile = tile
    keepingTile = keeping
  }

  /// The best tile that `isa` allows.
  static func best(_ element: GemmElement, _ isa: InstructionSet) -> GemmKernel {
    #if arch(x86_64)
      if isa >= .avx512 {
        return switch element {
        case .float32:
          .init(
            6, 64, .avx512, padded: false, dl_gemm_f32_6x64__avx512,
            keeping: dl_gemm_f32_6x64_keep__avx512)
        case .float64: .init(14, 16, .avx512, padded: true, dl_gemm_f64_14x16__avx512)
        case .int32: .init(14, 32, .avx512, padded: true, dl_gemm_u32_14x32__avx512)
        case .int64: .init(14, 16, .avx512, padded: true, dl_gemm_u64_14x16__avx512)
        }
      }
      if isa >= .avx2 {
        switch element {
        case .float32: return .init(6, 16, .avx2, padded: false, dl_gemm_f32_6x16__avx2)
        case .float64: return .init(6, 8, .avx2, padded: true, dl_gemm_f64_6x8__avx2)
        case .int32: return .init(6, 16, .avx2, padded: true, dl_gemm_u32_6x16__avx2)
        case .int64: break
        }
      }
    #endif
    return switch element {
    case .float32: .init(4, 16, .scalar, padded: false, dl_gemm_f32_4x16__scalar)
    case .float64: .init(4, 8, .scalar, padded: true, dl_gemm_f64_4x8__scalar)
    case .int32: .init(4, 16, .scalar, padded: true, dl_gemm_u32_4x16__scalar)
    case .int64: .init(4, 8, .scalar, padded: true, dl_gemm_u64_4x8__scalar)
    }
  }

  /// The tile for panels of few columns, as convolution makes them of an image.
  static func narrow(_ element: GemmElement, _ isa: InstructionSet) -> GemmKernel {
    #if arch(x86_64)
      if isa >= .avx512 && element == .float32 {
        return .init(12, 32, .avx512, padded: false, dl_gemm_f32_6x64__avx512)
      }
    #endif
    return best(element, isa)
  }

  /// Elements of the sum that one pass over a convolution's tile adds up: long sums are cut into
  /// equal blocks
  /// that the caches hold. Depends on nothing but `k`, so results do not either.
  static func depth(_ k: Int) -> Int {
    let blocks = max(1, (k + 511) / 512)
    return (k + blocks - 1) / blocks
  }

  /// Rows of a tile of `width` columns whose rows of A lie `rowBytes` apart: fewer columns leave
  /// registers for more rows. Rows that lie in the same sets of the first-level cache would push
  /// each other out of it, so there are never more of them than it has ways.
  func rows(width: Int, rowBytes: Int) -> Int {
    guard nr == 64, width <= 48 else { return mr }
    return width > 32 || rowBytes % 4096 == 0 ? 8 : 12
  }

  /// The strips that `m` rows fall into, sizes differing by at most one.
  func strips(_ m: Int) -> Int { (m + mr - 1) / mr }
  /// The panels that `n` columns fall into, all of `nr` columns but the last.
  func panels(_ n: Int) -> Int { (n + nr - 1) / nr }
}

/// `to[i * width + j] = from[j * across + i * along]` for `i < k`, `j < count`; zero for
/// `count <= j < width`. Distances in elements.
func pack(
  _ to: UnsafeMutableRawPointer, width: Int, from: UnsafeRawPointer, count: Int, across: Int,
  k: Int, along: Int, byteSize: Int, isa: InstructionSet
) {
  if byteSize == 8 {
    dl_pack_64__scalar(
      to.assumingMemoryBound(to: UInt64.self), width, from.assumingMemoryBound(to: UInt64.self),
      count, across, k, along)
    return
  }
  let to = to.assumingMemoryBound(to: UInt32.self)
  let from = from.assumingMemoryBound(to: UInt32.self)
  #if arch(x86_64)
    if isa >= .avx512 && across == 1 {
      dl_pack_32__avx512_rows(to, width, from, count, k, along)
      return
    }
    if isa >= .avx512 && along == 1 && across != 1 && (width <= 16 || width % 16 == 0) {
      var j = 0
      while j < width {
        dl_pack_32__avx512_transpose(
          to + j, width, from + j * across, max(0, min(16, count - j)), across, k)
        j += 16
      }
      return
    }
  #endif
  dl_pack_32__scalar(to, width, from, count, across, k, along)
}
