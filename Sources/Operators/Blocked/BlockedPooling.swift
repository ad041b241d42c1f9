import Graphs
import Kernels
import Tensors

/// What the poolings on blocked images share: every lane is a channel of its own.
public protocol BlockedPooling: Operator {
  associatedtype Plain: Operator
  /// The same on plain images.
  var plain: Plain { get }
  var window: Window { get }
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
    let channels = x.shape[1] * block
    let result = TensorType(.float32, Shape([y.shape[0], channels, y.shape[2], y.shape[3]]))
    return try BlockedDetour(
      layout: BlockedLayout(block: block), channels: [0: channels], result: result,
      blocksResult: true
    ).prepare(plain, p)
  }
}
