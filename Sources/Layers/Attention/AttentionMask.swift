import Tensors
import Training

/// What a query may see: masks of keys, and that none lies behind it. Bool, broadcasting to
/// `[N, Tq, Tk]`; nil for everything.
func attentionMask(
  keys: Tensor?, isCausal: Bool, _ queries: Int, _ steps: Int
) throws -> Tensor? {
  var mask = try keys?.expandDims(at: 1)
  if isCausal {
    let causal = try Tensor.ones([queries, steps]).triangleLower(0).cast(to: .bool)
    mask = try mask.map { try $0.logicalAnd(causal) } ?? causal
  }
  return mask
}

/// Probabilities from scores `[N, Tq, Tk]`, with some dropped in training, times values.
func attend(
  _ scores: Tensor, _ values: Tensor, mask: Tensor?, dropout: Double
) throws -> (output: Tensor, probabilities: Tensor) {
  var s = scores
  if let mask { s = try s.maskedFill(mask.logicalNot(), -1e9) }
  let p = try s.softmax()
  return (try p.dropout(dropout).matmul(values), p)
}

/// The result with zeros where the query's mask leaves a step out.
func masked(_ y: Tensor, _ mask: Tensor?) throws -> Tensor {
  guard let mask else { return y }
  return try y * mask.expandDims(at: -1).cast(to: y.dtype)
}
