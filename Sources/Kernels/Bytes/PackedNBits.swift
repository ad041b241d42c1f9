import CKernels
import Tensors

/// Constant weights of 2, 4 or 8 bits in blocks, codes in panels of 32 columns in the order in which
/// products read them; those of 2 bits take 4.
public final class PackedNBits: PackedForm {
  /// Columns of the product.
  public let n: Int
  /// Length of the sums.
  public let k: Int
  /// Elements that share a scale: 16 or a multiple of 32.
  public let block: Int
  let bits: Int
  private let memory: AlignedMemory
  var codes: UnsafePointer<UInt8> {
    UnsafePointer(memory.bytes.assumingMemoryBound(to: UInt8.self))
  }
  public var packedBytes: Tensor { memory.tensor }

  /// Blocks of one column.
  var blocks: Int { Self.blocks(k: k, block: block) }
  /// Whole groups of 32 have two blocks of 16.
  static func blocks(k: Int, block: Int) -> Int {
    block == 16 ? (k + 31) / 32 * 2 : (k + block - 1) / block
  }
  /// Bytes of a panel of 32 columns.
  var panelBytes: Int { blocks * block * (bits == 8 ? 32 : 16) }

  /// - `code`: the code of column j, step k.
  ///
  /// Errors: `.budget` when the system has no memory.
  public init(
    n: Int, k: Int, block: Int, bits: Int, space: PackedSpace = .fresh,
    code: (_ j: Int, _ k: Int) -> UInt8
  ) throws(EngineError) {
    precondition(
      (block == 16 || block % 32 == 0) && [2, 4, 8].contains(bits),
      "blocks of \(block), \(bits) bits")
    (self.n, self.k, self.block) = (n, k, block)
    self.bits = bits == 8 ? 8 : 4
    let blocks = Self.blocks(k: k, block: block)
    let groups = blocks * block / 32
    let groupBytes = bits == 8 ? 1024 : 512
    let panels = (n + 31) / 32
    let owned = try space.memory(byteCount: panels * groups * groupBytes, inLargePages: true)
    memory = owned
    if owned.isFilled { return }
    let bytes = owned.bytes.assumingMemoryBound(to: UInt8.self)
    let isWide = bits == 8
    space.pool.run(panels) { p in
      let panel = bytes + p * groups * groupBytes
      for i in 0..<groups * groupBytes { panel[i] = 0 }
      for j in 0..<min(32, n - p * 32) {
        for i in 0..<k {
          let x = code(p * 32 + j, i)
          let group = panel + i / 32 * groupBytes + 4 * j
          let s = i % 32
          if isWide {
            group[s / 4 * 128 + s % 4] = x
          } else {
            group[s % 16 / 4 * 128 + s % 4] |= s < 16 ? x & 15 : x << 4
          }
        }
      }
    }
  }
}

/// One number for each block of each column, in the panels' order `[panel][block][32]`; `fill` for
/// columns and blocks that the sums do not have.
///
/// Errors: `.budget` when the system has no memory.
public func nbitsPanels<T>(
  _ type: DType, n: Int, k: Int, block: Int, space: PackedSpace, fill: T,
  value: (_ j: Int, _ b: Int) -> T
) throws(EngineError) -> Storage {
  let panels = (n + 31) / 32
  let blocks = PackedNBits.blocks(k: k, block: block)
  return try space.storage(TensorType(type, [panels, blocks, 32])) {
    (storage) throws(EngineError) in
    let to = storage.bytes.assumingMemoryBound(to: T.self)
    for p in 0..<panels {
      for b in 0..<blocks {
        for j in 0..<32 {
          let column = p * 32 + j
          to[(p * blocks + b) * 32 + j] = column < n && b * block < k ? value(column, b) : fill
        }
      }
    }
  }
}
