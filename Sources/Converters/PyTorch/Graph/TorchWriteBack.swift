import Graphs
import Operators
import Tensors

/// A tensor with the part that a view shows replaced.
enum TorchWriteBack {
  /// - `node`: what took the view `name`; `changed`: the view's new value.
  /// - Errors: `.unsupported` for views that cannot be put back.
  static func source(
    of node: ExportNode, name: String, changed: TorchValue, in graph: TorchGraph
  ) throws(EngineError) -> ValueID {
    let c = TorchCall(graph: graph, node: node)
    guard case .tensor(let part) = changed else {
      throw EngineError(.malformed, "what is changed in place is no tensor")
    }
    let whole = try c.x("self")
    switch node.target {
    case "aten.alias.default", "aten.detach.default", "aten.detach_.default",
      "aten.lift_fresh_copy.default":
      return part
    case "aten.select.int":
      let axis = try c.axis(try c.int("dim"), try c.rank(whole))
      return try TorchSlice.selectScatter(c, whole, part, axis, try c.int("index"))
    case "aten.slice.Tensor":
      let axis = try c.axis(try c.int("dim", 0), try c.rank(whole))
      return try TorchSlice.sliceScatter(c, whole, part, axis)
    case "aten.view.default", "aten.unsqueeze.default", "aten.squeeze.dim",
      "aten.squeeze.default", "aten.squeeze.dims", "aten.unflatten.int":
      return try c.reshaped(part, try c.sizes(of: whole))
    case "aten.permute.default", "aten.transpose.int", "aten.t.default":
      let perm = try TorchAxes.permutation(c, whole)
      var inverse = perm
      for (i, p) in perm.enumerated() { inverse[p] = i }
      return try c.transposed(part, inverse)
    default: throw refused(node)
    }
  }

  /// Operators whose result is a view for some layouts of memory and a copy for others.
  static let perhapsViews: Set<String> = [
    "aten.reshape.default", "aten.flatten.using_ints", "aten.contiguous.default",
    "aten.to.dtype", "aten.to.dtype_layout", "aten.to.device", "aten.to.other",
    "aten.dropout.default", "aten._unsafe_view.default",
  ]

  static func refused(_ node: ExportNode) -> EngineError {
    EngineError(
      .unsupported, "what shares memory through \(node.target) is changed in place",
      hint: "save program.run_decompositions(), whose graph changes nothing in place")
  }
}
