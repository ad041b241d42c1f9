import Tensors

/// A constant factor of matrix products, laid out once in the order in which tiles read it.
///
/// The right factor in panels `[k][nr]`, the last one padded with zeros; the left factor in strips
/// `[k][rows of the strip]`.
public final class PackedMatrix: PackedForm {
  public enum Side: Sendable { case left, right }
  public let side: Side
  /// Rows of a left factor, columns of a right one.
  public let count: Int
  /// Length of the sums.
  public let k: Int
  public let element: GemmElement
  let isa: InstructionSet
  private let memory: AlignedMemory
  var bytes: UnsafeMutableRawPointer { memory.bytes }
  public var packedBytes: Tensor { memory.tensor }

  /// Packs `count` vectors of `k` elements, element `i` of vector `j` at
  /// `from[j * across + i * along]`.
  ///
  /// Errors: `.budget` when the system has no memory.
  public init(
    _ side: Side, count: Int, k: Int, element: GemmElement = .float32, from: UnsafeRawPointer,
    across: Int, along: Int, isa: InstructionSet = .current, space: PackedSpace = .fresh
  ) throws(EngineError) {
    let kernel = GemmKernel.best(element, isa)
    let size = PackedMatrix.byteCount(side, count: count, k: k, element: element, kernel: kernel)
    let owned = try space.memory(byteCount: size, inLargePages: true)
    let memory = owned.bytes
    self.memory = owned
    self.side = side
    self.count = count
    self.k = k
    self.element = element
    self.isa = isa
    if owned.isFilled { return }
    let es = element.byteSize
    switch side {
    case .left:
      let strips = kernel.strips(count)
      space.pool.run(strips) { s in
        let (r0, r1) = (s * count / strips, (s + 1) * count / strips)
        pack(
          memory + r0 * k * es, width: r1 - r0, from: from + r0 * across * es, count: r1 - r0,
          across: across, k: k, along: along, byteSize: es, isa: isa)
      }
    case .right:
      space.pool.run(kernel.panels(count)) { p in
        let c0 = p * kernel.nr
        pack(
          memory + c0 * k * es, width: kernel.nr, from: from + c0 * across * es,
          count: min(kernel.nr, count - c0), across: across, k: k, along: along, byteSize: es,
          isa: isa)
      }
    }
  }

  static func byteCount(
    _ side: Side, count: Int, k: Int, element: GemmElement, kernel: GemmKernel
  ) -> Int {
    let width = side == .left ? count : kernel.panels(count) * kernel.nr
    return width * k * element.byteSize
  }
}
