import Graphs
import Tensors

/// Lookup tables, whose contents are constants of the model.
enum TFTableOperators {
  static let operators: [TFOperator] =
    ["HashTableV2", "HashTable", "MutableHashTableV2", "MutableHashTable", "AnonymousHashTable"].map
  { name in
    TFOperator.many(name) { (c) throws(EngineError) in [.table(try key(c.node))] }
  }
    + ["LookupTableFindV2", "LookupTableFind"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        let table = try contents(c)
        let fallback = try c.tensor(2)
        guard let rest = c.b.known(fallback), rest.count == 1 else {
          throw EngineError(.unsupported, "the value for missing keys must be constant")
        }
        let x = try c.tensor(1)
        // int32 keys and values pass through int64.
        let wide = c.b.dtype(x) == .int32 ? try c.b.cast(x, .int64) : x
        func widened(_ t: Tensor) throws(EngineError) -> Tensor {
          guard t.dtype == .int32 else { return t }
          return try Tensor(shape: t.shape, t.elements(Int32.self).map { Int64($0) })
        }
        let values = try widened(table.values)
        let made = try c.b.onnx(
          "LabelEncoder", [wide],
          [
            .tensor("keys_tensor", try widened(table.keys)), .tensor("values_tensor", values),
            .tensor("default_tensor", try widened(try rest.reshaped([1]))),
          ], domain: "ai.onnx.ml")
        return table.values.dtype == .int32 ? try c.b.cast(made, .int32) : made
      }
    }
    + ["LookupTableSizeV2", "LookupTableSize"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        try c.b.constant(try Tensor(scalar: Int64(try contents(c).keys.count)))
      }
    }

  /// The name that a table's contents stand under.
  static func key(_ node: TFNode) throws(EngineError) -> String {
    let shared = try node.attributes.string("shared_name")
    return shared.isEmpty ? node.name : shared
  }

  private static func contents(
    _ c: TFCall
  ) throws(EngineError) -> (keys: Tensor, values: Tensor) {
    guard case .table(let name)? = c.inputs.first else {
      throw EngineError(.unsupported, "input 0 is no table that is followed")
    }
    return try c.session.tables.contents(name, c.session)
  }
}
