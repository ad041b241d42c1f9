import Tensors

extension ValueType {
  /// Whether nothing at all is known.
  var isUnknown: Bool { if case .tensor(nil, nil) = self { true } else { false } }

  /// This inferred type with what `declared` knows beyond it.
  ///
  /// A size that is a known number on one side wins; of two symbolic sizes the inferred one
  /// stays, unless it is one that inference made up. `sizes` replaces symbols of `declared`.
  /// - Errors: `.dtype` for another kind of value or element type, `.shape` for another rank or
  ///   another known size.
  func refined(
    by declared: ValueType, sizes: [String: Dim] = [:]
  ) throws(EngineError) -> ValueType {
    if declared.isUnknown { return self }
    if isUnknown { return declared.substituting(sizes) }
    switch (self, declared) {
    case (.tensor(let a, let x), .tensor(let b, let y)):
      return .tensor(try merge(a, b), try merge(x, y, sizes))
    case (.sparseTensor(let a, let x), .sparseTensor(let b, let y)):
      return .sparseTensor(try merge(a, b), try merge(x, y, sizes))
    case (.sequence(let a), .sequence(let b)):
      return .sequence(try merge(a, b, sizes))
    case (.optional(let a), .optional(let b)):
      return .optional(try merge(a, b, sizes))
    case (.map(let k, let a), .map(let l, let b)) where k == l:
      return .map(k, try merge(a, b, sizes))
    default:
      throw EngineError(
        .dtype, "wrong kind of value", expected: declared.description, received: description)
    }
  }

  /// The type with symbols replaced by what `sizes` knows of them.
  func substituting(_ sizes: [String: Dim]) -> ValueType {
    mapDims { dims in dims.map { $0.substituting(sizes) } }
  }

  /// The type with the sizes of every tensor in it replaced.
  func mapDims(_ f: ([Dim]) -> [Dim]) -> ValueType {
    switch self {
    case .tensor(let d, let dims): .tensor(d, dims.map(f))
    case .sparseTensor(let d, let dims): .sparseTensor(d, dims.map(f))
    case .sequence(let e): .sequence(e.map { $0.mapDims(f) })
    case .optional(let e): .optional(e.map { $0.mapDims(f) })
    case .map(let k, let v): .map(k, v.map { $0.mapDims(f) })
    }
  }
}

private func merge(_ inferred: DType?, _ declared: DType?) throws(EngineError) -> DType? {
  guard let inferred else { return declared }
  if let declared, declared != inferred {
    throw EngineError(
      .dtype, "another element type than declared", expected: "\(declared)",
      received: "\(inferred)")
  }
  return inferred
}

private func merge(
  _ inferred: ValueType?, _ declared: ValueType?, _ sizes: [String: Dim]
) throws(EngineError) -> ValueType? {
  guard let declared else { return inferred }
  guard let inferred else { return declared.substituting(sizes) }
  return try inferred.refined(by: declared, sizes: sizes)
}

private func merge(
  _ inferred: [Dim]?, _ declared: [Dim]?, _ sizes: [String: Dim]
) throws(EngineError) -> [Dim]? {
  guard let declared = declared.map({ $0.map { $0.substituting(sizes) } }) else { return inferred }
  guard let inferred else { return declared }
  guard inferred.count == declared.count else {
    throw EngineError(
      .shape, "another rank than declared", expected: "\(declared)", received: "\(inferred)")
  }
  var dims: [Dim] = []
  for (a, b) in zip(inferred, declared) {
    if let n = b.known, n >= 0 {
      if let m = a.known, m != n {
        throw EngineError(
          .shape, "another size than declared", expected: "\(declared)", received: "\(inferred)")
      }
      dims.append(b)
    } else if b.known == nil, isMadeUp(a), !isMadeUp(b) {
      dims.append(b)
    } else {
      dims.append(a)
    }
  }
  return dims
}

/// Whether a reader ("?3") or inference ("unk__3") invented this size's name, or it has none.
func isMadeUp(_ dim: Dim) -> Bool {
  guard let name = dim.symbol else { return false }
  return name.isEmpty || name.hasPrefix("?") || name.hasPrefix("unk__")
}

/// Whether a size is open without even an invented name: "", "?", or -1 as old exporters have it.
func isUnnamed(_ dim: Dim) -> Bool {
  if let n = dim.known { return n < 0 }
  return dim.symbol == "" || dim.symbol == "?"
}

extension ValueType: CustomStringConvertible {
  /// `float32[N, 3]`, `seq(float32[?])`; "?" stands for what is not known.
  public var description: String {
    switch self {
    case .tensor(let dtype, let dims): tensorText(dtype, dims)
    case .sparseTensor(let dtype, let dims): "sparse(\(tensorText(dtype, dims)))"
    case .sequence(let e): "seq(\(e?.description ?? "?"))"
    case .optional(let e): "optional(\(e?.description ?? "?"))"
    case .map(let k, let v): "map(\(k), \(v?.description ?? "?"))"
    }
  }
}

private func tensorText(_ dtype: DType?, _ dims: [Dim]?) -> String {
  let name = dtype.map { "\($0)" } ?? "?"
  guard let dims else { return name + "[...]" }
  let sizes = dims.map { isUnnamed($0) ? "?" : $0.description }
  return name + "[" + sizes.joined(separator: ", ") + "]"
}
