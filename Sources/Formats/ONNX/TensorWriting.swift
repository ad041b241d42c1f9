import Graphs
import Tensors

/// Where large tensors go that are not to be in the model's own file.
struct ExternalPlacement {
  let location: String
  /// Of the whole file; nil where none is stated.
  let checksum: String?
  /// The first byte of each tensor, by the address of its storage.
  let offsets: [ObjectIdentifier: Int]
}

extension Wire {
  /// A `TensorProto`: always `raw_data`, little-endian, except for strings.
  static func tensor(
    _ tensor: Tensor, name: String = "", doc: String = "", metadata: [Graph.Metadata] = [],
    kept: [UInt8] = [], external: ExternalPlacement? = nil
  ) -> Wire {
    var w = Wire()
    for d in tensor.shape.array { w.int(1, Int64(d)) }
    w.int(2, Int64(tensor.dtype.rawValue))
    for s in tensor.strings { w.string(6, s) }
    w.text(8, name)
    let offset = external?.offsets[ObjectIdentifier(tensor.storage)]
    if offset == nil, tensor.byteCount > 0 { w.tensor(9, tensor) }
    w.text(12, doc)
    if let external, let offset {
      var entries = [
        Graph.Metadata("location", external.location), Graph.Metadata("offset", "\(offset)"),
        Graph.Metadata("length", "\(tensor.byteCount)"),
      ]
      if let checksum = external.checksum { entries.append(Graph.Metadata("checksum", checksum)) }
      for e in entries { w.message(13, Wire.entry(e)) }
      w.int(14, 1)
    }
    for m in metadata { w.message(16, Wire.entry(m)) }
    w.raw(kept)
    return w
  }

  static func entry(_ m: Graph.Metadata) -> Wire {
    var w = Wire()
    w.string(1, m.key)
    w.string(2, m.value)
    w.raw(m.unknownFields)
    return w
  }

  static func sparse(
    _ s: SparseTensor, name: String = "", external: ExternalPlacement?
  ) -> Wire {
    var w = Wire()
    w.message(1, .tensor(s.values, name: name, kept: s.valuesFields, external: external))
    w.message(2, .tensor(s.indices, kept: s.indicesFields, external: external))
    for d in s.dims { w.int(3, Int64(d)) }
    w.raw(s.unknownFields)
    return w
  }

  /// A `TypeProto`.
  static func type(
    _ type: ValueType, denotations: [String] = [], denotation: String = ""
  ) -> Wire {
    var w = Wire()
    switch type {
    case .tensor(let dtype, let dims):
      w.message(1, tensorType(dtype, dims, denotations))
    case .sequence(let element):
      w.message(4, optionalType(element))
    case .map(let key, let value):
      var m = Wire()
      m.int(1, Int64(key.rawValue))
      if let value { m.message(2, .type(value)) }
      w.message(5, m)
    case .sparseTensor(let dtype, let dims):
      w.text(6, denotation)
      w.message(8, tensorType(dtype, dims, denotations))
      return w
    case .optional(let element):
      w.text(6, denotation)
      w.message(9, optionalType(element))
      return w
    }
    w.text(6, denotation)
    return w
  }

  private static func optionalType(_ type: ValueType?) -> Wire {
    var w = Wire()
    if let type { w.message(1, .type(type)) }
    return w
  }

  private static func tensorType(_ dtype: DType?, _ dims: [Dim]?, _ denotations: [String]) -> Wire {
    var w = Wire()
    w.int(1, Int64(dtype?.rawValue ?? 0))
    guard let dims else { return w }
    var shape = Wire()
    for (i, d) in dims.enumerated() {
      var axis = Wire()
      if let n = d.known {
        axis.int(1, Int64(n))
      } else if !isUnnamed(d) {
        axis.string(2, d.description)
      }
      if denotations.indices.contains(i) { axis.text(3, denotations[i]) }
      shape.message(1, axis)
    }
    w.message(2, shape)
    return w
  }

  /// Sizes that neither the file nor inference has a name for.
  private static func isUnnamed(_ d: Dim) -> Bool {
    d.symbols.contains { $0.hasPrefix("?") || $0.hasPrefix("unk__") }
  }

  /// Values outside models: `TensorProto`, `SequenceProto`, `OptionalProto` or `MapProto`.
  static func value(_ value: Value, name: String = "") -> Wire {
    switch value {
    case .tensor(let t): return .tensor(t, name: name)
    case .sequence(let items):
      var w = Wire()
      w.text(1, name)
      w.int(2, items.first.map(elementKind) ?? 1)
      for item in items { w.message(Int(elementKind(item)) + 2, .value(item)) }
      return w
    case .optional(let inner):
      var w = Wire()
      w.text(1, name)
      w.int(2, inner.map(elementKind) ?? 0)
      if let inner { w.message(Int(elementKind(inner)) + 2, .value(inner)) }
      return w
    case .map(let m):
      var w = Wire()
      w.text(1, name)
      w.int(2, Int64(m.keys.dtype.rawValue))
      if m.keys.dtype == .string {
        for k in m.keys.strings { w.string(4, k) }
      } else if m.keys.dtype == .int64 {
        for k in m.keys.elements(Int64.self) { w.int(3, k) }
      }
      w.message(5, .value(m.values))
      return w
    }
  }

  /// The number of a kind of value in sequences and optionals; its field comes two later.
  private static func elementKind(_ value: Value) -> Int64 {
    switch value {
    case .tensor: 1
    case .sequence: 3
    case .map: 4
    case .optional: 5
    }
  }
}
