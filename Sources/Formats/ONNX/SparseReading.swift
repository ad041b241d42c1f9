import Graphs
import Tensors

extension ReadContext {
  /// A tensor in coordinate form: `values` `[NNZ]`, `indices` `[NNZ]` or `[NNZ, rank]`.
  ///
  /// Errors: `.invalidModel` when a part is missing, the counts differ, or an index is out of
  /// range or not after the one before it.
  func sparse(
    _ message: UnsafeMutablePointer<PB.Sparse>, _ place: String, keepsName: Bool = true
  ) throws(EngineError) -> SparseTensor {
    let m = message.pointee
    func wrong(_ what: String, expected: String? = nil, received: String? = nil) -> EngineError {
      EngineError(.invalidModel, "\(place): \(what)", expected: expected, received: received)
    }
    guard let v = m.values, let i = m.indices else {
      throw wrong("a sparse tensor lacks its values or indices")
    }
    let values = try tensor(v, "\(place), values")
    let indices = try tensor(i, "\(place), indices")
    var sizes: [Int] = []
    for d in scalars(m.n_dims, m.dims) { sizes.append(Int(d)) }
    guard !sizes.isEmpty else { throw wrong("a sparse tensor has no sizes") }
    let shape: Shape
    do throws(EngineError) { shape = try Shape(checking: sizes) } catch {
      throw wrong(error.message, expected: error.expected, received: error.received)
    }
    guard values.shape.rank == 1 else {
      throw wrong("sparse values have the wrong rank", expected: "1", received: "\(values.shape)")
    }
    let count = values.count
    guard indices.dtype == .int64 else {
      throw wrong(
        "sparse indices have the wrong type", expected: "int64", received: "\(indices.dtype)")
    }
    let isLinear = indices.shape.rank == 1
    guard
      isLinear && indices.count == count
        || indices.shape.array == [count, shape.rank]
    else {
      throw wrong(
        "sparse indices have the wrong shape", expected: "[\(count)] or [\(count), \(shape.rank)]",
        received: "\(indices.shape)")
    }
    let elements = indices.elements(Int64.self)
    let strides = shape.strides
    var last = -1
    for k in 0..<count {
      var place = 0
      if isLinear {
        guard elements[k] >= 0, elements[k] < Int64(shape.count) else {
          throw wrong(
            "sparse index \(k) is out of range", expected: "0 to \(shape.count - 1)",
            received: "\(elements[k])")
        }
        place = Int(elements[k])
      } else {
        for axis in 0..<shape.rank {
          let e = elements[k * shape.rank + axis]
          guard e >= 0, e < Int64(shape[axis]) else {
            throw wrong(
              "sparse index \(k) is out of range on axis \(axis)",
              expected: "0 to \(shape[axis] - 1)", received: "\(e)")
          }
          place += Int(e) * strides[axis]
        }
      }
      guard place > last else { throw wrong("sparse index \(k) is not after the one before it") }
      last = place
    }
    var result = SparseTensor(values: values, indices: indices, dims: sizes)
    result.unknownFields = unknownFields(m.base)
    result.valuesFields = keptFields(v.pointee, name: keepsName, documents: true)
    result.indicesFields = keptFields(i.pointee, name: true, documents: true)
    return result
  }
}
