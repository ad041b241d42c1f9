import Graphs
import Kernels
import Tensors

/// Each element replaced by the value that stands beside its key.
///
/// - `X`: strings, float32, float64, int16, int32 or int64, any shape. `Y`: X's shape, of the
///   values' type.
/// - Keys and values: `keys_strings`, `keys_int64s`, `keys_floats` or `keys_tensor`; the same four
///   for values; `default_*` for elements that are no key: -1, -0.0, "_Unused". From opset 4 the
///   last of equal keys counts, before it the first. NaN is a key like another, all NaN are one,
///   and -0 is 0. Strings are compared byte by byte.
/// - Opset 1: `classes_strings`; strings become their places in the list, the last of equal ones,
///   or `default_int64`; int64 become the strings at these places, or `default_string`.
/// - Errors: `.attribute` where keys or values are missing, differ in number or are not of X's type.
/// - Source: ai.onnx.ml LabelEncoder 1, 2, 4.
public struct LabelEncoder: Operator {
  /// Keys, values and what stands for the rest, for X of the keys' type.
  public let keys: TensorAttribute?
  public let values: TensorAttribute?
  public let fallback: TensorAttribute?
  /// The classes of opset 1, of either direction.
  public let classes: [String]
  public let defaultInt: Int
  public let defaultString: String

  static let types: DTypes = [DTypes(.float32, .float64, .int16), .indices, .string]

  public static let schema = Schema(
    "LabelEncoder", domain: Classical.domain, versions: [1, 2, 4],
    inputs: [Parameter("X", types, "T1")], outputs: [Parameter("Y", types, "T2")],
    attributes: [
      AttributeSpec("classes_strings", .strings, "opset 1: the classes", before: 2),
      AttributeSpec("default_float", .float, "for elements that are no key; default -0", since: 2),
      AttributeSpec("default_int64", .int, "for elements that are no key; default -1"),
      AttributeSpec("default_string", .string, "for elements that are no key; default _Unused"),
      AttributeSpec("default_tensor", .tensor, "one element, for those that are no key", since: 4),
      AttributeSpec("keys_floats", .floats, "keys", since: 2),
      AttributeSpec("keys_int64s", .ints, "keys", since: 2),
      AttributeSpec("keys_strings", .strings, "keys", since: 2),
      AttributeSpec("keys_tensor", .tensor, "keys, one axis", since: 4),
      AttributeSpec("values_floats", .floats, "values", since: 2),
      AttributeSpec("values_int64s", .ints, "values", since: 2),
      AttributeSpec("values_strings", .strings, "values", since: 2),
      AttributeSpec("values_tensor", .tensor, "values, one axis", since: 4),
    ],
    cases: {
      let texts = try Tensor(shape: [2], strings: ["a", "b"])
      let ints = try Tensor([5, 6] as [Int64])
      let floats = try Tensor([Float.nan, 0.5])
      return [
        .init(
          try LabelEncoder(keys: texts, values: ints),
          [try Tensor(shape: [3], strings: ["b", "c", "a"])]),
        .init(
          try LabelEncoder(keys: floats, values: texts),
          [try Tensor(shape: [1, 3], [0.5, .nan, 2] as [Float])]),
        .init(
          try LabelEncoder(keys: ints, values: floats, fallback: try Tensor([Float(1.5)])),
          [try Tensor(shape: [2, 2], [6, 5, 4, 6] as [Int64])]),
        .init(
          try LabelEncoder(
            keys: try Tensor([1, 2] as [Int16]), values: try Tensor([0.25, 4] as [Double])),
          [try Tensor([2, 1, 3] as [Int16])]),
      ]
    })

  /// Errors: `.attribute` when keys and values differ in number or `fallback` is not one value.
  public init(keys: Tensor, values: Tensor, fallback: Tensor? = nil) throws(EngineError) {
    guard keys.count == values.count else {
      throw EngineError(
        .attribute, "keys and values differ in number", expected: "\(keys.count)",
        received: "\(values.count)")
    }
    for t in [keys, values] where !LabelEncoder.types.contains(t.dtype) {
      throw EngineError(
        .attribute, "keys or values have an element type the operator does not take",
        expected: LabelEncoder.types.list.map { "\($0)" }.joined(separator: ", "),
        received: "\(t.dtype)")
    }
    let rest = if let fallback { fallback } else { try LabelEncoder.standard(values.dtype) }
    guard rest.count == 1, rest.dtype == values.dtype else {
      throw EngineError(
        .attribute, "'default_tensor' does not fit the values",
        expected: "one \(values.dtype)", received: "\(rest.type)")
    }
    self.keys = TensorAttribute(try keys.reshaped([keys.count]))
    self.values = TensorAttribute(try values.reshaped([values.count]))
    self.fallback = TensorAttribute(try rest.reshaped([1]))
    classes = []
    defaultInt = -1
    defaultString = "_Unused"
  }

  /// The encoder of opset 1.
  public init(classes: [String], defaultInt: Int = -1, defaultString: String = "_Unused") {
    (keys, values, fallback) = (nil, nil, nil)
    self.classes = classes
    self.defaultInt = defaultInt
    self.defaultString = defaultString
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    if a.has("classes_strings") {
      self.init(
        classes: try a.strings("classes_strings", default: []),
        defaultInt: try a.int("default_int64", default: -1),
        defaultString: try a.string("default_string", default: "_Unused"))
      return
    }
    var keys = try LabelEncoder.list(a, "keys")
    var values = try LabelEncoder.list(a, "values")
    if a.opset < 4, keys.count == values.count {
      // Of equal keys the first counted: the last counts when the order is turned around.
      (keys, values) = (try LabelEncoder.reversed(keys), try LabelEncoder.reversed(values))
    }
    var fallback = try a.tensor("default_tensor")
    if fallback == nil {
      switch values.dtype {
      case .int64 where a.has("default_int64"):
        fallback = try Tensor([Int64(a.int("default_int64"))])
      case .float32 where a.has("default_float"):
        fallback = try Tensor([a.float("default_float")])
      case .string where a.has("default_string"):
        fallback = try Tensor(shape: [1], strings: [a.string("default_string", default: "")])
      default: break
      }
    }
    try self.init(keys: keys, values: values, fallback: fallback)
  }

  public var attributes: [Attribute] {
    guard let keys, let values, let fallback else {
      return [
        .strings("classes_strings", classes), .int("default_int64", defaultInt),
        .string("default_string", defaultString),
      ]
    }
    return [
      LabelEncoder.attribute("keys", keys.tensor), LabelEncoder.attribute("values", values.tensor),
      LabelEncoder.fallbackAttribute(fallback.tensor),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let keys, let values else {
      return [Fact(c.dtype(0).map { $0 == .string ? .int64 : .string }, c.dims(0))]
    }
    if let dtype = c.dtype(0), dtype != keys.tensor.dtype {
      throw EngineError(
        .attribute, "the elements are not of the keys' type", expected: "\(keys.tensor.dtype)",
        received: "\(dtype)")
    }
    return [Fact(values.tensor.dtype, c.dims(0))]
  }

  /// Keys, values and the rest for elements of `dtype`.
  private func table(
    _ dtype: DType
  ) throws(EngineError) -> (keys: Tensor, values: Tensor, fallback: Tensor) {
    if let keys, let values, let fallback {
      return (keys.tensor, values.tensor, fallback.tensor)
    }
    let texts = try Tensor(shape: [classes.count], strings: classes)
    let places = try Tensor((0..<classes.count).map { Int64($0) })
    switch dtype {
    case .string: return (texts, places, try Tensor([Int64(defaultInt)]))
    case .int64: return (places, texts, try Tensor(shape: [1], strings: [defaultString]))
    default:
      throw EngineError(
        .attribute, "the encoder of opset 1 takes other elements", expected: "string or int64",
        received: "\(dtype)")
    }
  }

  private static func keys(_ t: Tensor) -> IntegerKeys {
    IntegerKeys((0..<t.count).map { IntegerKeys.load(t.storage.bytes, $0, t.dtype) })
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let table = try table(x.dtype)
    guard x.dtype != .string, table.values.dtype != .string else { return .dynamic }
    let keys = LabelEncoder.keys(table.keys)
    let size = table.values.dtype.byteSize
    let (values, rest) = (table.values, table.fallback)
    let (count, dtype) = (x.count, x.dtype)
    return Prepared(label: "encode \(dtype)") { m in
      let step = BroadcastPlan.pieceElements
      let (from, to) = (m.inputs[0], m.outputs[0])
      let (known, other) = (values.storage.bytes, rest.storage.bytes)
      m.pool.run((count + step - 1) / step) { piece in
        for i in piece * step..<min(count, (piece + 1) * step) {
          let place = keys.place(IntegerKeys.load(from, i, dtype))
          let source = place < 0 ? other : known + place * size
          switch size {
          case 8: (to + i * 8).copyMemory(from: source, byteCount: 8)
          case 4: (to + i * 4).copyMemory(from: source, byteCount: 4)
          default: (to + i * size).copyMemory(from: source, byteCount: size)
          }
        }
      }
    }
  }

  /// Strings, on either side.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    _ = try infer(Inference(inputs: [Fact(x.type)]))
    let table = try table(x.dtype)
    let places: [Int]
    if x.dtype == .string {
      let keys = StringKeys(table.keys.strings)
      places = x.strings.map { keys.place($0) }
    } else {
      let keys = LabelEncoder.keys(table.keys)
      let bytes = x.storage.bytes
      places = (0..<x.count).map { keys.place(IntegerKeys.load(bytes, $0, x.dtype)) }
      withExtendedLifetime(x) {}
    }
    if table.values.dtype == .string {
      let (values, rest) = (table.values.strings, table.fallback.strings[0])
      let texts = places.map { $0 < 0 ? rest : values[$0] }
      return [.tensor(try Tensor(shape: x.shape, strings: texts))]
    }
    let size = table.values.dtype.byteSize
    let out = try e.allocate(TensorType(table.values.dtype, x.shape))
    for (i, place) in places.enumerated() {
      let source =
        place < 0 ? table.fallback.storage.bytes : table.values.storage.bytes + place * size
      (out.bytes + i * size).copyMemory(from: source, byteCount: size)
    }
    withExtendedLifetime(table) {}
    return [.tensor(Tensor(out))]
  }
}
