import Tensors

/// Weights of a convolution in the order in which the product over its taps and channels reads
/// them. The size of the image does not matter to it.
public final class PackedFilter: Sendable {
  let memory: AlignedMemory

  /// Packs weights `[outputs of all groups, channels, taps]`.
  ///
  /// Errors: `.budget` when the system has no memory.
  public init(
    _ weights: UnsafeRawPointer, _ g: ConvGeometry, element: GemmElement,
    isa: InstructionSet = .current
  ) throws(EngineError) {
    let kernel = GemmKernel.narrow(element, isa)
    let es = element.byteSize
    memory = try AlignedMemory(byteCount: GemmPlan.aligned(g.weightCount * es))
    for group in 0..<g.groups {
      ConvPlan.packWeights(weights, memory.bytes, group, g, kernel, es)
    }
  }
}
