import Tensors

/// Weights of a convolution in the order in which the product over its taps and channels reads
/// them. The size of the image does not matter to it.
public final class PackedFilter: PackedForm {
  let memory: AlignedMemory
  public var packedBytes: Tensor { memory.tensor }

  /// Packs weights `[outputs of all groups, channels, taps]`.
  ///
  /// Errors: `.budget` when the system has no memory.
  public init(
    _ weights: UnsafeRawPointer, _ g: ConvGeometry, element: GemmElement,
    isa: InstructionSet = .current, space: PackedSpace = .fresh
  ) throws(EngineError) {
    let kernel = GemmKernel.narrow(element, isa)
    let es = element.byteSize
    let size = g.weightCount * es
    memory = try space.memory(byteCount: GemmPlan.aligned(size))
    if memory.isFilled { return }
    // What is written to files must not depend on what was in memory.
    let rest = memory.byteCount - size
    (memory.bytes + size).initializeMemory(as: UInt8.self, repeating: 0, count: rest)
    let to = memory.bytes
    space.pool.run(g.groups) { ConvPlan.packWeights(weights, to, $0, g, kernel, es) }
  }
}
