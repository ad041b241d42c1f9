import Graphs
import Kernels
import Tensors

/// A blocked convolution whose images come in another size: everything but the sizes stays, so that
/// its kernel is made anew by arithmetic alone.
struct BlockedResizing: Sendable {
  private let conv: Conv
  private let options: KernelOptions
  /// Of the first image, and of its result.
  private let x: TensorType
  private let y: TensorType
  /// Height and width of the kernel.
  private let kernel: (Int, Int)
  private let isPlain: Bool
  private let residual: Bool
  private let activation: String

  init(
    _ op: BlockedConv, _ p: Preparation, _ x: TensorType, _ y: TensorType, weights: TensorType
  ) {
    conv = op.conv
    options = p.options
    (self.x, self.y) = (x, y)
    kernel = (weights.shape[2], weights.shape[3])
    isPlain = op.plainInput
    residual = p.has(3)
    activation = op.activation.name
  }

  /// What changed with the size of the image.
  private struct Sizes {
    let batch: Int
    let input: (Int, Int)
    let output: (Int, Int)
    let pads: (Int, Int)
    let result: TensorType
  }

  /// Nil where inputs do not fit together, or the image is not of the kind that it was.
  private func sizes(_ inputs: [TensorType?]) -> Sizes? {
    guard let new = inputs.first.flatMap({ $0 }), new.dtype == x.dtype,
      new.shape.rank == x.shape.rank, new.shape[1] == x.shape[1], new.shape[4] == x.shape[4],
      new.count > 0, let rows = conv.window.settled(0, size: new.shape[2], kernel: kernel.0),
      let columns = conv.window.settled(1, size: new.shape[3], kernel: kernel.1)
    else { return nil }
    let (batch, old) = (new.shape[0], y.shape)
    let result = TensorType(
      .float32,
      Shape(rank: 5) { axis in
        switch axis {
        case 0: batch
        case 2: rows.output
        case 3: columns.output
        default: old[axis]
        }
      })
    guard let count = result.shape.checkedCount, count > 0, count <= Int.max >> 5 else {
      return nil
    }
    if inputs.count > 3, let z = inputs[3], z != result { return nil }
    if inputs.count > 4, let s = inputs[4], s.shape[0] != batch { return nil }
    return Sizes(
      batch: batch, input: (new.shape[2], new.shape[3]), output: (rows.output, columns.output),
      pads: (rows.before, columns.before), result: result)
  }

  private func geometry(_ old: ConvGeometry, _ s: Sizes) -> ConvGeometry {
    ConvGeometry(old, batch: s.batch, input: s.input, output: s.output, pads: s.pads)
  }

  func resize(_ old: BlockedWindow) -> Prepared.Resize {
    let label = old.label + " " + activation
    return { inputs in
      guard let s = sizes(inputs) else { return nil }
      let axes = old.axes.resized(
        input: [s.input.0, s.input.1], output: [s.output.0, s.output.1], pads: [s.pads.0, s.pads.1])
      let plan = old.resized(axes, batch: s.batch, threads: options.threads)
      return Resized(
        output: s.result, prepared: BlockedConv.prepared(plan, residual, label: label))
    }
  }

  func resize(_ old: BlockedWinogradPlan, _ form: WinogradForm) -> Prepared.Resize {
    let label = old.label + " " + activation
    return { inputs in
      guard let s = sizes(inputs) else { return nil }
      let g = geometry(old.geometry, s)
      guard !g.hasIdleTaps, self.form(g, old.lanes, old.finish) == form else { return nil }
      let plan = old.resized(g, threads: options.threads)
      return Resized(
        output: s.result, prepared: BlockedConv.prepared(plan, residual, label: label))
    }
  }

  func resize(_ old: BlockedConvPlan, _ isScaled: Bool) -> Prepared.Resize {
    let label = old.label + " " + activation
    return { inputs in
      guard let s = sizes(inputs) else { return nil }
      let g = geometry(old.geometry, s)
      // Other taps are other packed weights.
      if g.hasIdleTaps { return nil }
      if !isPlain, !isScaled, form(g, old.lanes, old.finish) != nil { return nil }
      let plan = old.resized(g, threads: options.threads)
      return Resized(
        output: s.result,
        prepared: BlockedConv.prepared(
          plan, residual, isScaled,
          label: plan.label == old.label ? label : plan.label + " " + activation))
    }
  }

  /// The form of Winograd's algorithm that pays, nil for the direct sum.
  private func form(_ g: ConvGeometry, _ lanes: Int, _ finish: BlockedFinish) -> WinogradForm? {
    if options.compact { return nil }
    return BlockedWinogradPlan.form(g, lanes: lanes, finish: finish, exact: options.exact)
  }
}
