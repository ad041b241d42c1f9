import Graphs
import Tensors

/// Rows of a table: `Y[i] = weight[indices[i]]`.
///
/// - `weight`: any number type `[N, M]`; `indices`: int64, any shape; `padding_idx` and
///   `scale_grad_by_freq` (optional) concern training alone and play no part.
/// - `Y`: weight's type, the indices' sizes and `M`.
/// - Errors: `.value` for an index out of range.
/// - Source: com.microsoft TorchEmbedding 1. Its documentation: ONNX Runtime has no kernel for it.
public struct TorchEmbedding: CompositeOperator {
  public static let schema = Schema(
    "TorchEmbedding", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("weight", .numeric), Parameter("indices", .int64, ""),
      .optional("padding_idx", .int64, ""), .optional("scale_grad_by_freq", .bool, ""),
    ],
    outputs: [Parameter("Y", .numeric)],
    isDifferentiable: true,
    cases: {
      let table = try Tensor(shape: [3, 2], [1, 2, 3, 4, 5, 6] as [Float])
      let indices = try Tensor(shape: [2, 2], [0, 2, 1, 0] as [Int64])
      return [.init(TorchEmbedding(), [table, indices])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard inputs.count > 1, let table = inputs[0], let indices = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    return Few(try b.apply(Gather(), table, indices))
  }
}
