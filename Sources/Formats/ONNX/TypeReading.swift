import CSchemas
import Graphs
import Tensors

extension ReadContext {
  /// A declared type, with what it says of axes beside their sizes.
  struct DeclaredType {
    var type: ValueType
    var denotations: [String] = []
    var denotation = ""
    /// Where the file says more than that, or has a type the project has no word for: all of it.
    var stated: Graph.StatedType?
  }

  /// Errors: `.invalidModel` for an unknown element type or a negative size.
  func declaredType(
    _ message: UnsafeMutablePointer<PB.TypeProto>, _ place: String
  ) throws(EngineError) -> DeclaredType {
    let m = message.pointee
    do throws(EngineError) {
      var result = DeclaredType(type: .tensor(nil, nil))
      result.denotation = text(m.denotation)
      switch m.value_case {
      case DLRUN__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
        guard let t = m.tensor_type?.pointee else { break }
        let (dims, denotations) = try sizes(t.shape)
        result.type = .tensor(try knownDType(t.elem_type), dims)
        result.denotations = denotations
      case DLRUN__ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
        guard let t = m.sparse_tensor_type?.pointee else { break }
        let (dims, denotations) = try sizes(t.shape)
        result.type = .sparseTensor(try knownDType(t.elem_type), dims)
        result.denotations = denotations
      case DLRUN__ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
        // Nothing here computes with opaque values; models that only declare one stay readable.
        break
      default:
        if let type = try valueType(message) { result.type = type }
      }
      let bytes = serialised(message)
      let ours = Wire.type(
        result.type, denotations: result.denotations, denotation: result.denotation)
      if ours.joined() != bytes { result.stated = Graph.StatedType(result.type, bytes) }
      return result
    } catch {
      throw EngineError(
        error.code, "\(place): \(error.message)", expected: error.expected,
        received: error.received, hint: error.hint, subject: error.subject)
    }
  }

  /// A type without its denotations; nil where it says nothing.
  func valueType(
    _ message: UnsafeMutablePointer<PB.TypeProto>?
  ) throws(EngineError) -> ValueType? {
    guard let m = message?.pointee else { return nil }
    switch m.value_case {
    case DLRUN__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
      guard let t = m.tensor_type?.pointee else { return nil }
      return .tensor(try knownDType(t.elem_type), try sizes(t.shape).dims)
    case DLRUN__ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
      guard let t = m.sparse_tensor_type?.pointee else { return nil }
      return .sparseTensor(try knownDType(t.elem_type), try sizes(t.shape).dims)
    case DLRUN__ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
      return .sequence(try valueType(m.sequence_type?.pointee.elem_type))
    case DLRUN__ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
      return .optional(try valueType(m.optional_type?.pointee.elem_type))
    case DLRUN__ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
      guard let t = m.map_type?.pointee else { return nil }
      let key = try dtype(t.key_type)
      guard key.isInteger || key == .string else {
        throw EngineError(
          .invalidModel, "a map has keys of type \(key)", expected: "integers or strings")
      }
      return .map(key, try valueType(t.value_type))
    default: return nil
    }
  }

  private func knownDType(_ code: Int32) throws(EngineError) -> DType? {
    code == 0 ? nil : try dtype(code)
  }

  private func sizes(
    _ shape: UnsafeMutablePointer<PB.TensorShape>?
  ) throws(EngineError) -> (dims: [Dim]?, denotations: [String]) {
    guard let shape = shape?.pointee else { return (nil, []) }
    guard shape.n_dim <= 64 else {
      throw EngineError(
        .invalidModel, "a declared rank is too high", expected: "at most 64",
        received: "\(shape.n_dim)")
    }
    var dims: [Dim] = []
    var denotations: [String] = []
    for item in list(shape.n_dim, shape.dim) {
      let d = item.pointee
      denotations.append(text(d.denotation))
      switch d.value_case {
      case DLRUN__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE:
        // Exporters write -1 for a size they do not know.
        guard d.dim_value >= -1 else {
          throw EngineError(
            .invalidModel, "a declared size is negative", received: "\(d.dim_value)")
        }
        dims.append(d.dim_value == -1 ? unknownSize() : Dim(Int(d.dim_value)))
      case DLRUN__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM:
        let symbol = text(d.dim_param)
        dims.append(symbol.isEmpty ? unknownSize() : Dim(symbol: symbol))
      default: dims.append(unknownSize())
      }
    }
    return (dims, denotations.contains { !$0.isEmpty } ? denotations : [])
  }
}
