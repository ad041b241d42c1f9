import Tensors

/// A constant factor of matrix products, laid out once in the order in which tiles read it.
///
/// For each block of the sum's depth: the right factor in panels `[depth][nr]`, the last one
/// padded with zeros; the left factor in strips `[depth][rows of the strip]`.
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
    let owned = try space.memory(byteCount: size)
    let memory = owned.bytes
    self.memory = owned
    self.side = side
    self.count = count
    self.k = k
    self.element = element
    self.isa = isa
    if owned.isFilled { return }
    let es = element.byteSize
    let depth = GemmKernel.depth(k)
    var k0 = 0
    while k0 < k {
      let kc = min(depth, k - k0)
      let base = from + k0 * along * es
      let first = k0
      switch side {
      case .left:
        let strips = kernel.strips(count)
        space.pool.run(strips) { s in
          let (r0, r1) = (s * count / strips, (s + 1) * count / strips)
          pack(
            memory + (first * count + r0 * kc) * es, width: r1 - r0,
            from: base + r0 * across * es, count: r1 - r0, across: across, k: kc, along: along,
            byteSize: es, isa: isa)
        }
      case .right:
        let panels = kernel.panels(count)
        space.pool.run(panels) { p in
          let c0 = p * kernel.nr
          pack(
            memory + (first * panels + p * kc) * kernel.nr * es, width: kernel.nr,
            from: base + c0 * across * es, count: min(kernel.nr, count - c0), across: across,
            k: kc, along: along, byteSize: es, isa: isa)
        }
      }
      k0 += kc
    }
  }

  static func byteCount(
    _ side: Side, count: Int, k: Int, element: GemmElement, kernel: GemmKernel
  ) -> Int {
    let width = side == .left ? count : kernel.panels(count) * kernel.nr
    return width * k * element.byteSize
  }
}
