import Graphs
import Tensors

/// Strings to integers by a list of pairs, or integers to strings, whichever X holds.
///
/// - `X`: strings or int64, any shape. `Y`: the other of the two, of X's shape.
/// - `cats_strings`, `cats_int64s`: the pairs; of equal keys the last counts. `default_int64`
///   (default -1) and `default_string` (default "_Unused"): what unknown elements become.
/// - Errors: `.attribute` when the lists differ in length.
/// - Source: ai.onnx.ml CategoryMapper 1.
public struct CategoryMapper: Operator {
  public let strings: [String]
  public let ints: [Int]
  public let defaultInt: Int
  public let defaultString: String

  public static let schema = Schema(
    "CategoryMapper", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", [.string, .int64], "T1")],
    outputs: [Parameter("Y", [.string, .int64], "T2")],
    attributes: [
      AttributeSpec("cats_int64s", .ints, "the integers of the pairs"),
      AttributeSpec("cats_strings", .strings, "the strings of the pairs"),
      AttributeSpec("default_int64", .int, "for unknown strings; default -1"),
      AttributeSpec("default_string", .string, "for unknown integers; default _Unused"),
    ],
    cases: {
      let op = try CategoryMapper(["a", "b"], [3, 7])
      return [
        .init(op, [try Tensor(shape: [3], strings: ["b", "a", "c"])]),
        .init(op, [try Tensor([7, 3, 1] as [Int64])]),
      ]
    })

  public init(
    _ strings: [String], _ ints: [Int], defaultInt: Int = -1, defaultString: String = "_Unused"
  ) throws(EngineError) {
    self.strings = strings
    self.ints = ints
    self.defaultInt = defaultInt
    self.defaultString = defaultString
    guard strings.count == ints.count else {
      throw EngineError(
        .attribute, "'cats_strings' and 'cats_int64s' differ in length",
        expected: "\(strings.count)", received: "\(ints.count)")
    }
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(
      a.strings("cats_strings", default: []), a.ints("cats_int64s", default: []),
      defaultInt: a.int("default_int64", default: -1),
      defaultString: a.string("default_string", default: "_Unused"))
  }
  public var attributes: [Attribute] {
    [
      .strings("cats_strings", strings), .ints("cats_int64s", ints),
      .int("default_int64", defaultInt), .string("default_string", defaultString),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(0).map { $0 == .string ? .int64 : .string }, c.dims(0))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    if x.dtype == .string {
      let keys = StringKeys(strings)
      let y = x.strings.map { (text) -> Int64 in
        let place = keys.place(text)
        return Int64(place < 0 ? defaultInt : ints[place])
      }
      return [.tensor(try Tensor(shape: x.shape, y))]
    }
    let keys = IntegerKeys(ints.map { Int64($0) })
    let y = x.elements(Int64.self).map { (v) -> String in
      let place = keys.place(v)
      return place < 0 ? defaultString : strings[place]
    }
    return [.tensor(try Tensor(shape: x.shape, strings: y))]
  }
}
