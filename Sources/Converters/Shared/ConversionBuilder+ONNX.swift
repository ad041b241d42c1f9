import Graphs
import Operators
import Tensors

extension ConversionBuilder {
  /// The opset in whose forms converters name operators.
  static let namingOpset = 23

  /// Results of so many elements are computed at once where all inputs are known.
  private static let foldedElements = 4096

  /// Applies the ONNX operator called `type` in its form of opset 23, and returns what it makes.
  ///
  /// Where all inputs are small constants the result is computed at once, so that what a source
  /// works out from constants (sizes, axes, limits) is known to what comes after.
  ///
  /// Errors: `.unsupported` for a name that is none; `.attribute`, `.arity`, `.shape`, `.dtype`.
  func onnx(
    _ type: String, _ inputs: [ValueID?], _ attributes: [Attribute] = [], outputs: Int,
    domain: String = "", opset: Int? = nil
  ) throws(EngineError) -> [ValueID] {
    // Names of values mean nothing here; only their number is checked.
    let node = Graph.Node(
      type: type, domain: domain, attributes: attributes, inputs: inputs,
      outputs: Array(repeating: ValueID(0), count: outputs))
    let op = try Registry.make(
      node,
      opset: opset
        ?? (domain == "com.microsoft" ? 1 : domain == "ai.onnx.ml" ? 4 : Self.namingOpset))
    if let known = try folded(op, inputs, outputs) { return known }
    return try record(op, inputs, outputs)
  }

  /// As above, with one result.
  func onnx(
    _ type: String, _ inputs: [ValueID?], _ attributes: [Attribute] = [], domain: String = "",
    opset: Int? = nil
  ) throws(EngineError) -> ValueID {
    try onnx(type, inputs, attributes, outputs: 1, domain: domain, opset: opset)[0]
  }

  private func record<Op: Operator>(
    _ op: Op, _ inputs: [ValueID?], _ outputs: Int
  ) throws(EngineError) -> [ValueID] {
    try apply(op, inputs: inputs, outputs: outputs).array
  }

  private func folded(
    _ op: any Operator, _ inputs: [ValueID?], _ outputs: Int
  ) throws(EngineError) -> [ValueID]? {
    let schema = Swift.type(of: op).schema
    guard schema.isDeterministic, !inputs.isEmpty,
      !op.attributes.contains(where: { if case .graph = $0.payload { true } else { false } })
    else { return nil }
    var values: [Tensors.Value?] = []
    for id in inputs {
      guard let id else {
        values.append(nil)
        continue
      }
      guard let t = known(id), t.count <= Self.foldedElements else { return nil }
      values.append(.tensor(t))
    }
    let facts = try op.infer(
      Inference(
        inputs: inputs.map { $0.map { fact(of: $0) } }, outputCount: outputs))
    for f in facts.prefix(outputs) {
      if let t = f.tensorType, t.count > Self.foldedElements { return nil }
    }
    guard let made = try? Eager().evaluate(op, values, outputs: outputs, runner: nil),
      made.count == outputs
    else { return nil }
    var ids: [ValueID] = []
    for value in made {
      guard case .tensor(let t)? = value, t.count <= Self.foldedElements else { return nil }
      ids.append(try constant(t))
    }
    return ids
  }

  /// The contents of a value that are known before the run; nil where they are not.
  func known(_ value: ValueID) -> Tensor? {
    let fact = fact(of: value)
    if let t = fact.constant { return t }
    guard let ints = fact.knownInts, let type = fact.tensorType, ints.count == type.count else {
      return nil
    }
    switch type.dtype {
    case .int64: return try? Tensor(shape: type.shape, ints.map { Int64($0) })
    case .int32: return try? Tensor(shape: type.shape, ints.map { Int32(truncatingIfNeeded: $0) })
    default: return nil
    }
  }

  /// The integers of a value that are known before the run.
  func knownInts(_ value: ValueID) -> [Int]? {
    let fact = fact(of: value)
    if let ints = fact.knownInts { return ints }
    guard let t = fact.constant else { return nil }
    switch t.dtype {
    case .int64: return t.elements(Int64.self).map { Int($0) }
    case .int32: return t.elements(Int32.self).map { Int($0) }
    case .int16: return t.elements(Int16.self).map { Int($0) }
    case .int8: return t.elements(Int8.self).map { Int($0) }
    case .uint8: return t.elements(UInt8.self).map { Int($0) }
    case .uint16: return t.elements(UInt16.self).map { Int($0) }
    case .uint32: return t.elements(UInt32.self).map { Int($0) }
    default: return nil
    }
  }

  /// The rank of a value.
  ///
  /// Errors: `.unsupported` where it is not known.
  func rank(_ value: ValueID) throws(EngineError) -> Int {
    guard let rank = fact(of: value).rank else {
      throw EngineError(
        .unsupported, "the rank of a value is not known",
        hint: "give the inputs sizes in the source")
    }
    return rank
  }

  /// A scalar of `dtype`.
  ///
  /// Errors: `.unsupported` for element types that are no numbers.
  func number(_ value: Double, _ dtype: DType) throws(EngineError) -> ValueID {
    try constant(try NumberTensor.tensor([value], shape: [], dtype))
  }

  /// A scalar of the element type of `like`; float32 where that is not known.
  func number(_ value: Double, like: ValueID) throws(EngineError) -> ValueID {
    try number(value, dtype(like) ?? .float32)
  }

  func cast(_ value: ValueID, _ dtype: DType) throws(EngineError) -> ValueID {
    self.dtype(value) == dtype ? value : try onnx("Cast", [value], [.dtype("to", dtype)])
  }
  func add(_ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID { try onnx("Add", [a, b]) }
  func sub(_ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID { try onnx("Sub", [a, b]) }
  func mul(_ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID { try onnx("Mul", [a, b]) }
  func div(_ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID { try onnx("Div", [a, b]) }
  func concat(_ parts: [ValueID], axis: Int) throws(EngineError) -> ValueID {
    parts.count == 1 ? parts[0] : try onnx("Concat", parts, [.int("axis", axis)])
  }
  func reshape(_ value: ValueID, _ shape: ValueID) throws(EngineError) -> ValueID {
    try onnx("Reshape", [value, try cast(shape, .int64)], [.int("allowzero", 1)])
  }
  /// Reshaped to sizes of which one may be -1.
  func reshape(_ value: ValueID, _ shape: [Int]) throws(EngineError) -> ValueID {
    try onnx("Reshape", [value, try ints(shape)])
  }
  func transpose(_ value: ValueID, _ perm: [Int]) throws(EngineError) -> ValueID {
    perm == Array(0..<perm.count) ? value : try onnx("Transpose", [value], [.ints("perm", perm)])
  }
  func unsqueeze(_ value: ValueID, _ axes: [Int]) throws(EngineError) -> ValueID {
    axes.isEmpty ? value : try onnx("Unsqueeze", [value, try ints(axes)])
  }
  func squeeze(_ value: ValueID, _ axes: [Int]) throws(EngineError) -> ValueID {
    axes.isEmpty ? value : try onnx("Squeeze", [value, try ints(axes)])
  }
  /// int64 `[rank]`.
  func shape(_ value: ValueID) throws(EngineError) -> ValueID { try onnx("Shape", [value]) }
  /// One size, int64 `[1]`.
  func size(_ value: ValueID, _ axis: Int) throws(EngineError) -> ValueID {
    try onnx("Shape", [value], [.int("start", axis), .int("end", axis + 1)])
  }
  func slice(
    _ value: ValueID, _ starts: [Int], _ ends: [Int], axes: [Int], steps: [Int]? = nil
  ) throws(EngineError) -> ValueID {
    try onnx(
      "Slice",
      [
        value, try ints(starts), try ints(ends), try ints(axes),
        try steps.map { (s) throws(EngineError) in try ints(s) },
      ].dropLastNil())
  }
}

extension [ValueID?] {
  /// Without absent inputs at the end.
  func dropLastNil() -> [ValueID?] {
    var list = self
    while let last = list.last, last == nil { list.removeLast() }
    return list
  }
}
