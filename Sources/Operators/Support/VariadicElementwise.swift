import Graphs
import Kernels
import Tensors

// Operators that fold any number of inputs with one binary operation: Min, Max, Sum, Mean.

/// The broadcast shape of all inputs, and what `f` makes of small integers where each input's are
/// known.
func inferVariadic(
  _ c: Inference, _ f: ((Dim, Dim) -> Dim)? = nil
) throws(EngineError) -> [Fact] {
  var dims = c.dims(0)
  var dtype = c.dtype(0)
  var values = c.elements(0)
  for i in 0..<c.inputs.count where i > 0 {
    try checkSameDType(dtype, c.dtype(i))
    dtype = dtype ?? c.dtype(i)
    dims = try broadcast(dims, c.dims(i))
    if let f, let x = values, let y = c.elements(i),
      x.count == y.count || x.count == 1 || y.count == 1, !x.isEmpty, !y.isEmpty
    {
      values = (0..<max(x.count, y.count)).map { k in
        f(x.count == 1 ? x[0] : x[k], y.count == 1 ? y[0] : y[k])
      }
    } else {
      values = nil
    }
  }
  if f == nil && c.inputs.count > 1 { values = nil }
  if let count = values?.count, dims?.reduce(1, *).known != count { values = nil }
  return [Fact(.tensor(dtype, dims), elements: values)]
}

/// `output = x0 op x1 op x2 ...`, over their number where `isMean`.
func prepareVariadic(
  _ p: Preparation, _ op: BinaryOp, isMean: Bool = false
) throws(EngineError) -> Prepared {
  let (first, y) = (try p.input(0), try p.output(0))
  let n = p.inputs.count
  let count = y.count
  let bytes = y.byteCount
  if n == 1 {
    return Prepared(inPlace: 1, label: "copy") { m in
      m.outputs[0].copyMemory(from: m.inputs[0], byteCount: bytes)
    }
  }
  guard let kernel = BinaryKernel(op, y.dtype) else { throw p.noKernel() }
  let divide = isMean ? UnaryKernel(.divideBy, y.dtype, Double(n)) : nil
  var plans: [BroadcastPlan] = []
  for i in 1..<n {
    let x = try p.input(i)
    try checkSameDType(first.dtype, x.dtype)
    let left = i == 1 ? first.shape : y.shape
    plans.append(try BroadcastPlan(output: y.shape, inputs: Few(left, x.shape)))
  }
  let chain = plans
  // Later inputs are read after the output was written, so only the first two may share its memory
  // and only where there are no others.
  let mask = n == 2 ? inPlaceMask(y, first, try p.input(1)) : 0
  return Prepared(inPlace: mask, label: "\(op) of \(n) \(y.dtype)") { m in
    let out = m.outputs[0]
    for i in 0..<chain.count {
      kernel.run(chain[i], i == 0 ? m.inputs[0] : out, m.inputs[i + 1], out, m.pool)
    }
    divide?.run(count: count, out, out, m.pool)
  }
}
