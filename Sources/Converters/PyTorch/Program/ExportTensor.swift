import Formats
import Graphs
import Tensors

/// What a program says of a tensor: element type, sizes, and how it lies in its storage.
struct ExportTensor: Sendable {
  var dtype: DType
  var dims: [Dim]
  /// In elements; nil where they are symbolic.
  var strides: [Int]?
  /// In elements; nil where it is symbolic.
  var offset: Int?

  /// Errors: `.malformed`; `.unsupported` for sparse tensors and unknown element types.
  init(_ json: JSONValue?) throws(EngineError) {
    let fields = try ExportReading.object(json, "a tensor's description")
    let dtype = try ExportReading.int(fields["dtype"], "dtype")
    self.dtype = try ScalarType.dtype(dtype)
    dims = []
    for size in try ExportReading.array(fields["sizes"], "sizes") {
      dims.append(try ExportTensor.size(size))
    }
    guard dims.allSatisfy({ ($0.known ?? 0) >= 0 }) else {
      throw EngineError(.malformed, "a tensor has a negative size", received: "\(dims)")
    }
    guard dims.count <= Shape.maxRank else {
      throw EngineError(
        .unsupported, "a tensor has too many axes", expected: "at most \(Shape.maxRank)",
        received: "\(dims.count)")
    }
    if let layout = fields["layout"]?.asInt, layout != 7 {
      throw EngineError(.unsupported, "a tensor is sparse", expected: "strided tensors")
    }
    strides = []
    for stride in fields["strides"]?.asArray ?? [] {
      guard let n = try ExportTensor.size(stride).known, n >= 0 else {
        strides = nil
        break
      }
      strides?.append(n)
    }
    offset = 0
    if let json = fields["storage_offset"] {
      offset = try ExportTensor.size(json).known
    }
  }

  /// A size: a number, or an expression over named sizes.
  static func size(_ json: JSONValue) throws(EngineError) -> Dim {
    let fields = try ExportReading.object(json, "a size")
    if let n = fields["as_int"]?.asInt { return Dim(n) }
    let expression = try ExportReading.object(fields["as_expr"], "a size")
    return SymbolExpression.dim(try ExportReading.text(expression["expr_str"], "expr_str"))
  }
}
