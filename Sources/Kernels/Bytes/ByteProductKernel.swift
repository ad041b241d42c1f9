import CKernels

/// What computes tiles of products of bytes, and how it wants its factors.
struct ByteProductKernel: Sendable {
  typealias Block =
    @convention(c) (
      Int, Int, Int, UnsafeRawPointer?, Int, UnsafeRawPointer?,
      UnsafePointer<dl_byteproduct_finish>?
    ) -> Void

  /// Columns of a panel.
  let nr: Int
  /// Whether both factors are widened to 16 bits, two of which are multiplied at a time.
  let isWide: Bool
  let block: Block
  let label: String

  private init(_ nr: Int, wide: Bool, _ label: String, _ block: @escaping Block) {
    self.nr = nr
    isWide = wide
    self.block = block
    self.label = label
  }

  /// The best kernel that `isa` allows. None of them saturates sums.
  static func best(_ isa: InstructionSet) -> ByteProductKernel {
    #if arch(x86_64)
      switch isa {
      case .avx512vnni:
        return .init(64, wide: false, "bytes vnni 6x64", dl_byteproduct_u8s8_6x64__vnni)
      case .avx512:
        return .init(64, wide: true, "bytes avx512 6x64", dl_byteproduct_s16_6x64__avx512)
      case .avx2: return .init(16, wide: true, "bytes avx2 6x16", dl_byteproduct_s16_6x16__avx2)
      case .scalar: break
      }
    #endif
    return .init(64, wide: false, "bytes scalar", dl_byteproduct_u8s8_4x64__scalar)
  }

  /// Elements of one column, padded to what is multiplied at a time.
  func depth(_ k: Int) -> Int { isWide ? (k + 1) & ~1 : (k + 3) & ~3 }
  /// Bytes of one column of a panel.
  func columnBytes(_ k: Int) -> Int { depth(k) * (isWide ? 2 : 1) }
  func panels(_ n: Int) -> Int { (n + nr - 1) / nr }
  /// `n` up to whole panels: as far as arrays for columns are read.
  func padded(_ n: Int) -> Int { panels(n) * nr }

  /// Packs panel `p` of B: element (i, j) at `b[i * along + j * across]`.
  func pack(
    panel p: Int, n: Int, k: Int, _ b: UnsafeRawPointer, along: Int, across: Int, isSigned: Bool,
    to: UnsafeMutableRawPointer, sums: UnsafeMutablePointer<Int32>
  ) {
    let first = p * nr
    let from = b.assumingMemoryBound(to: UInt8.self) + first * across
    let (count, flip) = (min(nr, n - first), isSigned ? 0 as Int32 : 0x80)
    let panel = to + first * columnBytes(k)
    if isWide {
      dl_byteproduct_pack_s16(
        k, count, nr, from, along, across, flip, panel.assumingMemoryBound(to: Int16.self),
        sums + first)
    } else {
      dl_byteproduct_pack(
        k, count, nr, from, along, across, flip, panel.assumingMemoryBound(to: Int8.self),
        sums + first)
    }
  }
}
