import Graphs
import Tensors

/// A list of numbers that a file gives as floats or, under a name ending in `_as_tensor`, as a
/// tensor of float or double.
struct TreeNumbers: Hashable, Sendable {
  var floats: [Float] = []
  var tensor: TensorAttribute?

  init(_ floats: [Float] = []) { self.floats = floats }

  /// Errors: `.attribute` when both forms are given or the tensor holds no real numbers.
  init(_ a: AttributeReader, _ name: String) throws(EngineError) {
    floats = try a.floats(name, default: [])
    guard let t = try a.tensor(name + "_as_tensor") else { return }
    guard floats.isEmpty else {
      throw EngineError(
        .attribute, "one of '\(name)' and '\(name)_as_tensor' may be given", received: "both")
    }
    _ = try realNumbers(t, name + "_as_tensor")
    tensor = TensorAttribute(t)
  }

  var count: Int { tensor?.tensor.count ?? floats.count }

  func values(_ name: String) throws(EngineError) -> [Double] {
    if let tensor { return try realNumbers(tensor.tensor, name) }
    return floats.map { Double($0) }
  }

  func attribute(_ name: String) -> [Attribute] {
    if let tensor { return [.tensor(name + "_as_tensor", tensor.tensor)] }
    return floats.isEmpty ? [] : [.floats(name, floats)]
  }
}

/// The elements of a tensor attribute of float16, float or double.
///
/// Errors: `.attribute` when it has another element type.
func realNumbers(_ t: Tensor, _ name: String) throws(EngineError) -> [Double] {
  switch t.dtype {
  case .float32: return t.elements(Float.self).map { Double($0) }
  case .float64: return Array(t.elements(Double.self))
  case .float16: return t.elements(Float16.self).map { Double($0) }
  default:
    throw EngineError(
      .attribute, "attribute '\(name)' has the wrong element type",
      expected: "float16, float32 or float64", received: "\(t.dtype)")
  }
}
