import Tensors

/// A constant right factor of products of bytes: panels in the order in which tiles read them, and
/// the sum of each column.
public final class PackedBytes: PackedForm {
  public let n: Int
  public let k: Int
  public let isSigned: Bool
  let isa: InstructionSet
  private let memory: AlignedMemory
  private let sumsOffset: Int
  var panels: UnsafeRawPointer { UnsafeRawPointer(memory.bytes) }
  /// Sums of columns, zeros up to whole panels.
  var sums: UnsafePointer<Int32> {
    UnsafePointer((memory.bytes + sumsOffset).assumingMemoryBound(to: Int32.self))
  }
  public var packedBytes: Tensor { memory.tensor }

  /// Packs `[k, n]` codes of int8 (`isSigned`) or uint8, element (i, j) at
  /// `from[i * along + j * across]`.
  ///
  /// Errors: `.budget` when the system has no memory.
  public init(
    n: Int, k: Int, isSigned: Bool, from: UnsafeRawPointer, along: Int, across: Int,
    isa: InstructionSet = .current, space: PackedSpace = .fresh
  ) throws(EngineError) {
    let kernel = ByteProductKernel.best(isa)
    self.n = n
    self.k = k
    self.isSigned = isSigned
    self.isa = isa
    let width = kernel.padded(n)
    sumsOffset = (width * kernel.columnBytes(k) + 63) & ~63
    let owned = try space.memory(byteCount: sumsOffset + width * 4, inLargePages: true)
    memory = owned
    if owned.isFilled { return }
    let bytes = owned.bytes
    let sums = (bytes + sumsOffset).assumingMemoryBound(to: Int32.self)
    space.pool.run(kernel.panels(n)) { p in
      kernel.pack(
        panel: p, n: n, k: k, from, along: along, across: across, isSigned: isSigned, to: bytes,
        sums: sums)
    }
  }
}
