import Graphs
import Kernels
import Tensors

/// What the global poolings share: all spatial axes of `[N, C, D1, ...]` become one element.
public protocol GlobalPooling: Operator {
  var kind: PoolKernel.Kind { get }
}

extension GlobalPooling {
  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    guard x.count >= 2 else { throw poolRank("\(x)") }
    return [Fact(c.dtype(0), Array(x[..<2]) + x[2...].map { _ in 1 })]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw p.noKernel() }
    guard x.shape.rank >= 2 else { throw poolRank("\(x.shape)") }
    let dtype = x.dtype
    let planes = x.shape.count(of: 0..<2)
    let n = x.shape.count(of: 2..<x.shape.rank)
    let fold: Fold
    var finish = FoldFinish.none
    switch kind {
    case .max: fold = .max
    case .average:
      fold = .sum
      finish = .divide
    case .norm(1): fold = .sumOfMagnitudes
    case .norm(2):
      fold = .sumOfSquares
      finish = .squareRoot
    case .norm:
      // Any other order goes through the window kernel with one window over all.
      let axis = PoolKernel.Axis(
        kernel: max(n, 1), stride: 1, dilation: 1, padBegin: 0, padEnd: 0, input: n, output: 1)
      let kernel = try PoolKernel(kind, planes: planes, axes: [axis])
      return Prepared(label: "global lp pool") { m in
        kernel.run(dtype, m.inputs[0], into: m.outputs[0], pool: m.pool)
      }
    }
    let step = finish
    return Prepared(label: "global pool") { m in
      fold.run(
        dtype, m.inputs[0], outer: planes, n: n, inner: 1, into: m.outputs[0], pool: m.pool)
      FoldFinish.run(step, dtype, m.outputs[0], count: planes, divisor: n)
    }
  }
}
