import Graphs
import Tensors

/// Whether each string as a whole matches a regular expression.
///
/// - `X`: strings, any shape. Output: bool, the same shape.
/// - `pattern`: in RE2's syntax; default "". What of it is known: `TextPattern`.
/// - Errors: `.attribute` for an illegal pattern, `.budget` for one that grows too large,
///   `.unsupported` for `\C`.
/// - Cost: linear in the text, whatever the pattern.
/// - Source: ONNX RegexFullMatch 20.
public struct RegexFullMatch: Operator {
  public let pattern: TextPattern

  public static let schema = Schema(
    "RegexFullMatch", versions: [20], inputs: [Parameter("X", .string, "T1")],
    outputs: [Parameter("Y", .bool, "T2")],
    attributes: [AttributeSpec("pattern", .string, "in RE2's syntax; default \"\"")],
    cases: {
      let x = try Tensor(shape: [3], strings: ["ab1", "b", "aab12"])
      return [.init(RegexFullMatch(try TextPattern("a*b[0-9]+")), [x])]
    })

  public init(_ pattern: TextPattern) { self.pattern = pattern }
  public init(reading a: AttributeReader) throws(EngineError) {
    pattern = try TextPattern(try a.string("pattern", default: ""))
  }
  public var attributes: [Attribute] { [.string("pattern", pattern.source)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(.bool, c.dims(0))] }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    return [.tensor(try Tensor(shape: x.shape, x.strings.map { pattern.matchesWhole($0) }))]
  }
}
