import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct JSONParserTests {
  func parse(_ text: String, nonFinite: Bool = false) throws -> JSONValue {
    try JSONParser.parse(Array(text.utf8), nonFinite: nonFinite)
  }

  @Test func readsEveryKind() throws {
    let value = try parse(
      #" {"a": [1, -2.5e1, true, false, null, "x\n\u00e9\ud83d\ude00\/"], "": {}, "b": []} "#)
    let want: JSONValue = [
      "a": [1, -25.0, true, false, .null, "x\né😀/"], "": [:], "b": [],
    ]
    #expect(value == want)
    #expect(value.asObject?["a"]?.asArray?.count == 6)
  }

  @Test func numbersAreExact() throws {
    #expect(try parse("9223372036854775807") == .int(.max))
    #expect(try parse("-9223372036854775808") == .int(.min))
    #expect(try parse("18446744073709551615") == .unsigned(.max))
    #expect(try parse("18446744073709551616") == .double(18446744073709551616))
    #expect(try parse("0.1") == .double(0.1))
    #expect(try parse("1e23") == .double(1e23))
    #expect(try parse("-0.0") == .double(-0.0))
    #expect(try parse("-0") == .int(0))
    let long = "0." + String(repeating: "123456789", count: 20)
    #expect(try parse(long) == .double(Double(long) ?? 0))
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
    "{'a':1}", "01", "+1", ".5", "1.", "1e", "-", "0x1", "NaN", "Infinity", "tru", "nulll", "1 2",
    "\"", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
    "\"\\udc00\"", "\"a\nb\"", "\"\u{1}\"", "[1]]", "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":2}", "1e999", "\u{FEFF}1", "[1 2]", "/**/1", "\"\\", "\"\\u",
  ]) func refuses(_ text: String) {
    let error = failure { try parse(text) }
    #expect(error?.code == .malformed)
    #expect(error?.subject.offset != nil)
  }

  @Test func refusesBadUTF8() {
    for bytes: [UInt8] in [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0x5C, 0x6E, 0xFF, 0x22], [0x22, 0x41, 0x00, 0x22],
    ] {
      #expect(failure { try JSONParser.parse(bytes) }?.code == .malformed)
    }
  }

  @Test func limitsDepthAndCount() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(failure { try parse(deep) }?.code == .budget)
    let fits = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    _ = try parse(fits)
    var few = TensorLimits()
    few.bytes = 32 * 10
    #expect(
      failure { try JSONParser.parse(Array("[1,2,3,4,5,6,7,8,9,0]".utf8), limits: few) }?.code
        == .budget)
  }

  @Test func saysLineAndByte() {
    let error = failure { try parse("{\n \"a\": 1,\n \"b\": x}") }
    #expect(error?.subject.line == 3)
    #expect(error?.subject.offset == 17)
    #expect(error?.received == "'x}'")
  }

  @Test func writesWhatItReads() throws {
    let value: JSONValue = [
      "a": [1, 2.5, .null, true, "q\"\\\n\u{1}ü"],
      "o": ["x": [[1, 2], []], "y": .unsigned(.max)],
      "d": .double(1e300), "w": .double(3),
    ]
    #expect(try JSONParser.parse(JSONWriter.bytes(of: value)) == value)
    #expect(try JSONParser.parse(JSONWriter.bytes(of: value, pretty: true)) == value)
    #expect(
      JSONWriter.string(of: ["a": [1, 2], "b": [["c": 3.0]], "n": .double(.nan)], pretty: true)
        == """
        {
          "a": [1, 2],
          "b": [
            {
              "c": 3.0
            }
          ],
          "n": "NaN"
        }

        """)
    #expect(
      JSONWriter.string(of: ["a": [1, 2], "b": "\u{1f}"]) == "{\"a\":[1,2],\"b\":\"\\u001f\"}")
  }

  @Test func hostileBytesNeverTrap() {
    let text = #"{"a":[1,-2.5e1,true,null,"x\n\u00e9\ud83d\ude00"],"b":{"c":1e-7}}"#
    let result = attack(Array(text.utf8)) { _ = try JSONParser.parse($0, nonFinite: true) }
    #expect(result.cut == 0)
  }
}

@Suite struct JSONTensorsTests {
  func read(_ text: String, _ dtypes: [String: DType] = [:]) throws -> [TensorFile.Named] {
    try Array(text.utf8).withUnsafeBytes { try JSONTensors.read($0, dtypes: dtypes) }
  }

  @Test func readsNestedArrays() throws {
    let list = try read(
      """
      {"f": [[1, 2.5], [NaN, "-Infinity"]], "i": [1, -2], "b": [true, false], "s": [["a"], ["NaN"]],
       "n": 3.0, "e": [], "u": 18446744073709551615, "z": [null, 1]}
      """)
    #expect(list.map { $0.name } == ["f", "i", "b", "s", "n", "e", "u", "z"])
    let types = list.map { $0.value.type }
    #expect(types[0] == TensorType(.float32, [2, 2]))
    #expect(list[0].value.floats[2].isNaN)
    #expect(list[0].value.floats[3] == -.infinity)
    #expect(types[1] == TensorType(.int64, [2]))
    #expect(types[2] == TensorType(.bool, [2]))
    #expect(list[3].value.strings == ["a", "NaN"])
    #expect(types[4] == TensorType(.float32, []))
    #expect(types[5] == TensorType(.float32, [0]))
    #expect(try list[6].value.values(as: UInt64.self) == [.max])
    #expect(list[7].value.floats[0].isNaN)
    #expect(try read("[[1],[2]]")[0].value.shape == [2, 1])
  }

  @Test func readsTypesAndShapes() throws {
    let list = try read(
      """
      {"a": {"dtype": "int8", "shape": [2, 2], "data": [1, -2, 3, 4]},
       "b": {"dtype": "FP16", "data": [[1.5]]}, "c": {"shape": [0, 3], "data": []},
       "d": {"dtype": "complex64", "data": [[1, 2], [3, 4]]},
       "e": {"dtype": "int4", "shape": [3], "data": [-8, 7, 0]}}
      """)
    #expect(try list[0].value.values(as: Int8.self) == [1, -2, 3, 4])
    #expect(list[1].value.type == TensorType(.float16, [1, 1]))
    #expect(list[2].value.type == TensorType(.float32, [0, 3]))
    #expect(list[3].value.type == TensorType(.complex64, [2]))
    #expect(Array(list[4].value.rawBytes) == [0x78, 0])
    let wanted = try read("{\"x\": [1, 2]}", ["x": .float32])
    #expect(wanted[0].value.floats == [1, 2])
    let alone = try read("{\"dtype\": \"double\", \"data\": [1]}")
    #expect(alone[0].name == nil)
    #expect(alone[0].value.dtype == .float64)
  }

  @Test(arguments: [
    ("{\"a\": [[1, 2], [3]]}", EngineError.Code.shape), ("[1, [2]]", .shape),
    ("[[1], 2]", .shape), ("[1, \"x\"]", .dtype), ("[true, 1]", .dtype),
    ("{\"a\": {\"data\": [1], \"shape\": [2]}}", .shape),
    ("{\"a\": {\"data\": [300], \"dtype\": \"uint8\"}}", .value),
    ("{\"a\": {\"data\": [1.5], \"dtype\": \"int32\"}}", .value),
    ("{\"a\": {\"data\": [1], \"dtype\": \"float9\"}}", .dtype),
    ("{\"a\": {\"data\": [1], \"dtype\": \"float8e5m2\"}}", .dtype),
    ("{\"a\": {\"data\": [1], \"shape\": [4194305, 4194305, 211106198978564]}}", .shape),
    ("{\"a\": {\"data\": [1], \"shape\": [99999999999]}}", .budget),
    ("{\"a\": {\"data\": [1], \"shape\": [-1]}}", .malformed),
    ("{\"a\": {\"data\": [1], \"sahpe\": [1]}}", .malformed), ("{\"a\": {}}", .malformed),
    ("[{\"a\": 1}]", .malformed), ("[[[[[[[[[[1]]]]]]]]]]", .shape), ("[[]]]", .malformed),
  ]) func refuses(_ text: String, _ code: EngineError.Code) {
    #expect(failure { try read(text) }?.code == code)
  }

  @Test func roundTrips() throws {
    var list = NPYTests.tensors.enumerated().map { (name: Optional("t\($0)"), value: $1) }
    list.append(("nan", try Tensor([Float.nan, .infinity])))
    list.append(("mixed", try Tensor(shape: [2, 1], [Float.nan, -0.0])))
    list.append(("big", try Tensor([UInt64.max])))
    list.append(("word", try Tensor(shape: [1], strings: ["NaN"])))
    list.append(("four", try Integers.narrowed([-8, 7, 1], to: TensorType(.int4, [3]))))
    let bytes = try JSONTensors.bytes(of: list)
    let back = try bytes.withUnsafeBytes { try JSONTensors.read($0) }
    #expect(back.count == list.count)
    for (a, b) in zip(back, list) {
      #expect(a.name == b.name)
      #expect(difference(a.value, b.value, rtol: 0, atol: 0) == nil)
    }
    let alone = try JSONTensors.bytes(of: [(nil, try Tensor([[1, 2]]))])
    #expect(String(decoding: alone, as: UTF8.self) == "[[1.0, 2.0]]\n")
  }
}
