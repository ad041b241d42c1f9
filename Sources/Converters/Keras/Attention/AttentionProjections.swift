import Graphs
import Operators
import Tensors

/// The linear maps around attention, whose kernels `[M, heads, size]` are used as matrices.
struct AttentionProjections {
  let call: LayerCall
  /// Variables of each map are a kernel and perhaps a bias, one map after the other.
  let usesBias: Bool

  /// `[..., M]` to `[..., heads, size]`, by the map whose kernel is variable `index`.
  func split(
    _ x: ValueID, _ index: Int, isGate: Bool = false
  ) throws(EngineError) -> ValueID {
    let sizes = try call.tensor(index).shape.array
    guard sizes.count == 3 else {
      throw EngineError(.malformed, "'\(call.name)' has a kernel of shape \(sizes)")
    }
    let kernel = try call.weight(index, form: "matrix") { (w) throws(EngineError) in
      try w.reshaped(try Shape(checking: [sizes[0], sizes[1] * sizes[2]]))
    }
    var y = try call.matmul(x, kernel)
    if usesBias {
      let bias = try call.weight(index + 1, form: "row") { (w) throws(EngineError) in
        try w.reshaped(try Shape(checking: [w.shape.count]))
      }
      y = try call.add(y, bias)
    }
    if isGate { y = try call.b.apply(Sigmoid(), y) }
    let outer = try call.dims(x).dropLast()
    return try call.reshape(
      y, dims: Array(outer) + [Dim(sizes[1]), Dim(sizes[2])], like: [x])
  }

  /// `[..., heads, size]` to `[..., M...]`, by the map whose kernel is variable `index`.
  func join(_ x: ValueID, _ index: Int) throws(EngineError) -> ValueID {
    let sizes = try call.tensor(index).shape.array
    guard sizes.count >= 3 else {
      throw EngineError(.malformed, "'\(call.name)' has a kernel of shape \(sizes)")
    }
    let inner = sizes[0] * sizes[1]
    let width = sizes.dropFirst(2).reduce(1, *)
    let kernel = try call.weight(index, form: "matrix") { (w) throws(EngineError) in
      try w.reshaped(try Shape(checking: [inner, width]))
    }
    let outer = try call.dims(x).dropLast(2)
    var y = try call.matmul(
      try call.reshape(x, dims: Array(outer) + [Dim(inner)], like: [x]), kernel)
    if usesBias {
      let bias = try call.weight(index + 1, form: "row") { (w) throws(EngineError) in
        try w.reshaped(try Shape(checking: [w.shape.count]))
      }
      y = try call.add(y, bias)
    }
    guard sizes.count > 3 else { return y }
    return try call.reshape(
      y, dims: Array(outer) + sizes.dropFirst(2).map { Dim($0) }, like: [x])
  }
}
