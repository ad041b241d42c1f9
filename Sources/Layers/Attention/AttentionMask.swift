import Tensors
import Training

/// What a query may see: masks of keys, that none lies behind it, and what the caller says. Bool,
/// broadcasting to `[N, Tq, Tk]`; nil for everything.
///
/// - `given`: `[N, Tq, Tk]` or with axes of one element, in the scores' number of axes.
func attentionMask(
  keys: Tensor?, isCausal: Bool, _ queries: Int, _ steps: Int, given: Tensor? = nil
) throws -> Tensor? {
  var mask = try keys?.expandDims(at: 1)
  if let given { mask = try mask.map { try $0.logicalAnd(given) } ?? given }
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

/// The inputs of attention, and the mask that stands behind them where the layer takes one.
struct AttentionInputs {
  let values: [Tensor]
  /// Bool `[N, Tq, Tk]`: true where the query sees the key.
  let mask: Tensor?

  /// Errors: `.dtype` for a mask that is not bool.
  init(_ values: [Tensor], takesMask: Bool) throws(EngineError) {
    guard takesMask, let last = values.last, values.count > 1 else {
      self.values = values
      mask = nil
      return
    }
    // Symbols carry no element type, so zeros that shapes are found with come as floats.
    if last.dtype != .bool, last.dtype != .float32, !last.dtype.isInteger {
      throw EngineError(
        .dtype, "the mask of attention has the wrong element type", expected: "bool",
        received: "\(last.dtype)")
    }
    self.values = Array(values.dropLast())
    mask = try last.cast(to: .bool)
  }
}

extension Layer {
  /// The shapes without the mask's, which is looked at.
  ///
  /// Errors: `.arity`, `.shape` for a mask that does not fit queries and values.
  func withoutMask(_ shapes: [LayerShape], _ takesMask: Bool) throws(EngineError) -> [LayerShape] {
    guard takesMask else { return shapes }
    guard let mask = shapes.last, shapes.count > 1 else {
      throw EngineError(
        .arity, "the mask of attention is missing", expected: "a mask behind the other inputs",
        received: "\(shapes.count) inputs")
    }
    let (queries, values) = (shapes[0], shapes.count > 2 ? shapes[1] : shapes[0])
    let wanted: LayerShape = [queries[0], queries[1], values[1]]
    let fits =
      mask.rank == 3
      && (0..<3).allSatisfy { i in
        guard let a = mask[i], a != 1, let b = wanted[i] else { return true }
        return a == b
      }
    guard fits else {
      throw EngineError(
        .shape, "the mask of attention does not fit", expected: "\(wanted), or 1 for any of them",
        received: "\(mask)")
    }
    return Array(shapes.dropLast())
  }
}
