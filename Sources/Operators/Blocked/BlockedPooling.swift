import Graphs
import Kernels
import Tensors

/// What the poolings on blocked images share: every lane is a channel of its own.
public protocol BlockedPooling: Operator {
  associatedtype Plain: Operator
  /// The same on plain images.
  var plain: Plain { get }
  var window: Window { get }
  /// The kernel for windows that all hold an element.
  func kernel(
    _ axes: BlockedWindow.Axes, _ settled: Window.Concrete, batch: Int, blocks: Int, lanes: Int,
    threads: Int
  ) throws(EngineError) -> BlockedWindow
}

extension BlockedPooling {
  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let dims = c.dims(0), let lanes = try BlockedLayout.lanes(dims) else {
      return [Fact(c.dtype(0), nil)]
    }
    let facts = try plain.infer(Inference(inputs: [Fact(c.dtype(0), lanes)]))
    guard let y = facts.first?.dims, y.count == 4 else { return [Fact(c.dtype(0), nil)] }
    return [Fact(c.dtype(0), [dims[0], dims[1], y[2], y[3], dims[4]])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    let block = x.shape[4]
    guard x.dtype == .float32, block == 8 || block == 16 else { throw p.noKernel() }
    let settled = try window.concrete(inputSpatial: [x.shape[2], x.shape[3]])
    let axes = BlockedWindow.Axes(
      input: settled.input, output: settled.output, kernel: settled.kernel,
      strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin)
    if x.count > 0 && y.count > 0 && axes.isNeverEmpty {
      let kernel = try kernel(
        axes, settled, batch: x.shape[0], blocks: x.shape[1], lanes: block,
        threads: p.options.threads)
      return Prepared(label: kernel.label) { m in
        kernel.run(x: m.input(0), y: m.output(0), pool: m.pool)
      }
    }
    let channels = x.shape[1] * block
    let result = TensorType(.float32, Shape([y.shape[0], channels, y.shape[2], y.shape[3]]))
    return try BlockedDetour(
      layout: BlockedLayout(block: block), channels: [0: channels], result: result,
      blocksResult: true
    ).prepare(plain, p)
  }
}
