import Graphs
import Tensors

/// Which element types an operator's first input may have in an opset.
public enum ElementTypesOfVersions {
  /// Whether `opset` of ai.onnx has the operator for `dtype`; true where versions do not differ.
  ///
  /// Source: the operators' versions in the ONNX standard.
  public static func allows(_ dtype: DType, _ name: String, opset: Int) -> Bool {
    guard let history = ElementTypeHistory.all[name],
      let since = history.keys.filter({ $0 <= opset }).max(), let mask = history[since]
    else { return true }
    return mask >> UInt32(dtype.rawValue) & 1 == 1
  }
}
