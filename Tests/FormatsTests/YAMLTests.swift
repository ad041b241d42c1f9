import Formats
import Tensors
import Testing

@Suite struct YAMLTests {
  static func json(_ text: String) throws(EngineError) -> String {
    JSONWriter.string(of: try YAMLParser.parse(text))
  }

  @Test func mappingsAndLists() throws {
    let text = """
      # Settings
      ---
      a: 1
      b: {x: 1.5, "y z": [1, 'it''s', "q\\n"]}
      list:
      - dense: 4
        name: 'a # b'   # a comment
      - flatten
      -
        - 1
      deep:
        deeper:
          empty:
          no: no
          yes: true
      """
    let expected: JSONValue = [
      "a": 1, "b": ["x": 1.5, "y z": [1, "it's", "q\n"]],
      "list": [["dense": 4, "name": "a # b"], "flatten", [1]],
      "deep": ["deeper": ["empty": .null, "no": "no", "yes": true]],
    ]
    #expect(try Self.json(text) == JSONWriter.string(of: expected))
  }

  @Test(arguments: [
    ("x: -3", "{\"x\":-3}"), ("x: 1e3", "{\"x\":1000.0}"), ("x: ~", "{\"x\":null}"),
    ("x: a:b", "{\"x\":\"a:b\"}"), ("x: 1.2.3", "{\"x\":\"1.2.3\"}"), ("x: []", "{\"x\":[]}"),
    ("[1, 2]", "[1,2]"), ("x: \"1\"", "{\"x\":\"1\"}"),
  ]) func values(text: String, json: String) throws {
    let got = try YAMLParser.parse(text)
    #expect(got == (try JSONParser.parse(Array(json.utf8))))
  }

  @Test(arguments: [
    "a: 1\n  b: 2", "a: 1\na: 2", "a: [1", "a: {b", "\ta: 1", "a: 'x", "a: \"\\q\"", "a: &x 1",
    "a: *x", "a: |", "a: !t 1", "a: 1\n---\nb: 2", "- 1\nb: 2", "a: [1] 2", "a:\n  - 1\n b: 2",
  ]) func refused(text: String) {
    #expect(throws: EngineError.self) { try YAMLParser.parse(text) }
  }

  @Test func deepNestingIsRefused() {
    let text = "a: " + String(repeating: "[", count: 500)
    #expect(throws: EngineError.self) { try YAMLParser.parse(text) }
    let dashes = String(repeating: "- ", count: 500) + "1"
    #expect(throws: EngineError.self) { try YAMLParser.parse(dashes) }
  }
}
