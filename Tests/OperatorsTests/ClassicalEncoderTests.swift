import Graphs
import TestSupport
import Tensors
import Testing

@testable import Operators

/// Encoders, maps and tokens. Expected results are onnxruntime 1.32's unless a comment says why not.
@Suite struct ClassicalEncoderTests {
  private func run(_ op: any Operator, _ inputs: Value...) throws -> Value {
    try #require(Eager().evaluate(op, inputs, outputs: 1, runner: nil)[0])
  }
  private func make(
    _ type: any Operator.Type, opset: Int = 1, _ attributes: Attribute...
  ) throws -> any Operator {
    try type.init(
      reading: AttributeReader(
        type.schema.name, opset: opset, attributes: attributes, inputCount: 1))
  }
  private func words(_ list: String...) throws -> Value {
    .tensor(try Tensor(shape: [list.count], strings: list))
  }
  private func ints(_ list: Int64...) throws -> Value { .tensor(try Tensor(list)) }
  private func values(_ v: Value) throws -> [Int64] { try v.asTensor().values(as: Int64.self) }
  private func texts(_ v: Value) throws -> [String] { try v.asTensor().strings }
  private func floats(_ v: Value) throws -> [Float] { try v.asTensor().values(as: Float.self) }

  @Test func encodesClassesOfOpset1() throws {
    let op = try make(LabelEncoder.self, .strings("classes_strings", ["a", "b", "a"]))
    #expect(try values(run(op, words("a", "b", "c"))) == [2, 1, -1])
    #expect(try texts(run(op, ints(0, 2, 5, -1))) == ["a", "a", "_Unused", "_Unused"])
  }

  /// ONNX says from opset 4: the last of equal keys; onnxruntime takes the first there as well.
  @Test(arguments: [(2, [10, 30, -1]), (4, [20, 30, -1])] as [(Int, [Int64])])
  func equalKeys(_ opset: Int, _ want: [Int64]) throws {
    let op = try make(
      LabelEncoder.self, opset: opset, .ints("keys_int64s", [1, 1, 2]),
      .ints("values_int64s", [10, 20, 30]))
    #expect(try values(run(op, ints(1, 2, 3))) == want)
  }

  @Test func keysThatAreNoNumber() throws {
    let op = try make(
      LabelEncoder.self, opset: 4, .floats("keys_floats", [.nan, 0, 2]),
      .strings("values_strings", ["n", "z", "t"]), .string("default_string", "?"))
    let x = try Tensor([-Float.nan, -0.0, 0, 3, 2])
    #expect(try texts(run(op, .tensor(x))) == ["n", "z", "z", "?", "t"])
  }

  @Test func tensorsOfKeysAndValues() throws {
    let op = try make(
      LabelEncoder.self, opset: 4, .tensor("keys_tensor", try Tensor([1.5, .nan] as [Double])),
      .tensor("values_tensor", try Tensor([7, 8] as [Int16])),
      .tensor("default_tensor", try Tensor([-5] as [Int16])))
    let y = try run(op, .tensor(Tensor([Double.nan, 1.5, 2]))).asTensor()
    #expect(try y.values(as: Int16.self) == [8, 7, -5])
    #expect(throws: EngineError.self) {
      try make(LabelEncoder.self, opset: 4, .ints("keys_int64s", [1]))
    }
    #expect(throws: EngineError.self) {
      try make(
        LabelEncoder.self, opset: 4, .ints("keys_int64s", [1]), .ints("values_int64s", [1, 2]))
    }
  }

  @Test func stringsAreBytes() throws {
    let op = try make(
      LabelEncoder.self, opset: 2, .strings("keys_strings", ["\u{E9}", ""]),
      .ints("values_int64s", [1, 2]))
    #expect(try values(run(op, words("\u{E9}", "e\u{301}", ""))) == [1, -1, 2])
  }

  @Test func mapsCategories() throws {
    let op = try CategoryMapper(["a", "b", "a"], [1, 2, 3], defaultString: "?")
    #expect(try values(run(op, words("a", "b", "c"))) == [3, 2, -1])
    #expect(try texts(run(op, ints(1, 2, 9))) == ["a", "b", "?"])
  }

  @Test func encodesOneHot() throws {
    let op = OneHotEncoder(.ints([1, 0]))
    let x = try Tensor(shape: [2, 2], [0.9, 1, .nan, 3] as [Float])
    let y = try run(op, .tensor(x))
    #expect(try y.asTensor().shape == [2, 2, 2] && floats(y) == [0, 1, 1, 0, 0, 0, 0, 0])
    let strict = OneHotEncoder(.strings(["a"]), zeros: false)
    #expect(throws: EngineError.self) { try run(strict, words("a", "b")) }
    #expect(throws: EngineError.self) { try run(OneHotEncoder(.ints([1]), zeros: false), ints(3)) }
    #expect(throws: EngineError.self) { try run(strict, ints(3)) }
  }

  @Test func imputes() throws {
    let op = try make(
      Imputer.self, .floats("imputed_value_floats", [1, 2]),
      .float("replaced_value_float", .nan))
    let x = try Tensor(shape: [2, 2], [.nan, .nan, 3, .nan] as [Float])
    #expect(try floats(run(op, .tensor(x))) == [1, 2, 3, 2])
    #expect(throws: EngineError.self) { try run(op, ints(1, 2)) }
    #expect(throws: EngineError.self) { try run(op, .tensor(x.reshaped([4, 1]))) }
  }

  @Test func picksFeatures() throws {
    let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
    #expect(try floats(run(ArrayFeatureExtractor(), .tensor(x), ints(2, -3))) == [3, 1, 6, 4])
    #expect(throws: EngineError.self) { try run(ArrayFeatureExtractor(), .tensor(x), ints(3)) }
    let one = try run(ArrayFeatureExtractor(), words("a", "b"), ints(1)).asTensor()
    #expect(one.shape == [1, 1] && one.strings == ["b"])
  }

  @Test func binarizesIntegers() throws {
    func at(_ t: Float) throws -> [Int64] {
      try values(run(Binarizer(threshold: t), ints(-1, 0, 1)))
    }
    #expect(try at(0) == [0, 0, 1] && at(-0.5) == [0, 1, 1] && at(-1e30) == [1, 1, 1])
    #expect(try at(.infinity) == [0, 0, 0] && at(.nan) == [0, 0, 0])
  }

  private func map(_ keys: Tensor, _ values: [Float]) throws -> Value {
    .map(
      MapValue(keys: keys, values: .sequence(try values.map { .tensor(try Tensor(scalar: $0)) })))
  }

  @Test func vectorizesMaps() throws {
    let op = try make(DictVectorizer.self, .strings("string_vocabulary", ["a", "c", "b", "a"]))
    let m = try map(Tensor(shape: [3], strings: ["b", "a", "x"]), [2, 1, 9])
    let y = try run(op, m).asTensor()
    #expect(try y.shape == [1, 4] && y.values(as: Float.self) == [1, 0, 2, 1])
    let wrong = try map(Tensor([1, 2, 3] as [Int64]), [1, 2, 3])
    #expect(throws: EngineError.self) { try run(op, wrong) }
  }

  @Test func castsMaps() throws {
    let m = try map(Tensor([3, 0] as [Int64]), [1.5, -2.25])
    #expect(try floats(run(make(CastMap.self), m)) == [-2.25, 1.5])
    let sparse = Attribute.string("map_form", "SPARSE")
    let toText = Attribute.string("cast_to", "TO_STRING")
    let whole = try make(CastMap.self, sparse, toText, .int("max_map", 3))
    #expect(try texts(run(whole, m)) == ["-2.250000", "0.f", "0.f"])
    let toInt = try make(CastMap.self, .string("cast_to", "TO_INT64"))
    #expect(try values(run(toInt, m)) == [-2, 1])
    let numbers = Value.map(
      MapValue(
        keys: try Tensor([2, 1] as [Int64]),
        values: .tensor(try Tensor(shape: [2], strings: [" 12abc", "-3"]))))
    #expect(try values(run(toInt, numbers)) == [-3, 12])
    let negative = try map(Tensor([-1] as [Int64]), [1])
    #expect(throws: EngineError.self) { try run(whole, negative) }
  }

  @Test func zipsMaps() throws {
    let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
    guard case .sequence(let maps) = try run(ZipMap(.strings(["a", "b", "a"])), .tensor(x)),
      case .map(let last)? = maps.last
    else {
      Issue.record("no sequence of maps")
      return
    }
    #expect(maps.count == 2 && last.keys.strings == ["b", "a"])
    #expect(try floats(last.values) == [5, 6])
    #expect(throws: EngineError.self) { try run(ZipMap(.ints([1, 2])), .tensor(x)) }
  }

  @Test(
    arguments: [
      ([" "], nil, 1, ["Hello World", "I love it!"], ["Hello", "World", "#", "I", "love", "it!"]),
      ([""], nil, 1, ["ab", "été"], ["a", "b", "#", "é", "t", "é"]),
      (["aa", "b+", " "], nil, 1, ["aabbcc b", "xaay"], ["cc", "#", "x", "y"]),
      (["[0-9]+"], nil, 2, ["a1bb22ccc", "x"], ["bb", "ccc", "#", "#"]),
      ([], "[a-z]+", 2, ["a bb ccc été"], ["bb", "ccc"]), ([], "b|bb|bbb", 1, ["a bb ccc"], ["bb"]),
      ([], "b*", 1, ["a bb"], ["bb"]), ([], "^ab", 1, ["abab"], ["ab"]),
      ([], "\\bo*\\w", 1, ["foo bar"], ["f", "b"]), (["x*"], nil, 1, ["abc"], []),
    ] as [([String], String?, Int, [String], [String])])
  func tokenizes(
    _ separators: [String], _ token: String?, _ least: Int, _ x: [String], _ want: [String]
  ) throws {
    let op = try Tokenizer(separators: separators, token: token, minimum: least, padding: "#")
    let y = try run(op, .tensor(Tensor(shape: [x.count], strings: x))).asTensor()
    #expect(y.strings == want && y.shape == [x.count, want.count / x.count])
  }

  @Test func marksTokens() throws {
    let op = try Tokenizer(separators: [""], padding: "#", marks: true)
    let y = try run(op, words("ab", "")).asTensor()
    #expect(y.strings == ["\u{2}", "a", "b", "\u{3}", "\u{2}", "\u{3}", "#", "#"])
    #expect(try run(op, words("")).asTensor().shape == [1, 0])
    #expect(throws: EngineError.self) { try Tokenizer() }
  }
}
