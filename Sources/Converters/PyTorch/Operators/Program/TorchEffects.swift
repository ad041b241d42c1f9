import Graphs
import Operators
import Tensors

/// Checks and settings: they give nothing, and mean nothing at inference.
enum TorchEffects {
  static let operators: [TorchOperator] = [
    "aten._assert_scalar.default", "aten._assert_async.msg", "aten._assert_async.default",
    "aten._assert_tensor_metadata.default", "aten.sym_constrain_range.default",
    "aten.sym_constrain_range_for_size.default", "aten._functional_assert_async.msg",
  ].map { name in TorchOperator(name, note: "left out") { _ in [] } }

  /// Operators in place that change the axes of a tensor and none of its elements.
  static let reshaping: Set<String> = [
    "aten.squeeze_.default", "aten.squeeze_.dim", "aten.squeeze_.dims", "aten.unsqueeze_.default",
    "aten.transpose_.int",
  ]
}
