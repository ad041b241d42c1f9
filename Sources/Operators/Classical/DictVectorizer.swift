import Graphs
import Tensors

/// A map's values in the order of a vocabulary.
///
/// - `X`: a map from strings or int64 to float32, float64, int64 or strings. `Y`: the values' type,
///   `[1, n]`: for each word of the vocabulary the value that stands at it; 0, or an empty string,
///   where the map has none. Keys that are no words are left out.
/// - `string_vocabulary` or `int64_vocabulary`, by the keys' type. Words may be repeated.
/// - Errors: `.attribute` without a vocabulary or with both, `.dtype` when the map has other keys.
/// - Source: ai.onnx.ml DictVectorizer 1; the leading axis of 1 as ONNX Runtime has it.
public struct DictVectorizer: Operator {
  public let vocabulary: ClassLabels

  static let types: DTypes = [.string, .int64, DTypes(.float32, .float64)]

  public static let schema = Schema(
    "DictVectorizer", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", types, "T1", containers: true)],
    outputs: [Parameter("Y", types, "T2")],
    attributes: [
      AttributeSpec("int64_vocabulary", .ints, "the vocabulary, or"),
      AttributeSpec("string_vocabulary", .strings, "the vocabulary"),
    ], cases: { [] })

  public init(reading a: AttributeReader) throws(EngineError) {
    vocabulary = try ClassLabels(
      reading: a, ints: "int64_vocabulary", strings: "string_vocabulary")
  }
  public var attributes: [Attribute] {
    [vocabulary.attribute(ints: "int64_vocabulary", strings: "string_vocabulary")]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.fact(0)?.mapDType, [1, Dim(vocabulary.count)])]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let map = try e.map(0)
    let places: [Int]
    switch vocabulary {
    case .ints(let words):
      let keys = IntegerKeys(try map.integerKeys())
      places = words.map { keys.place(Int64($0)) }
    case .strings(let words):
      guard map.keys.dtype == .string else {
        throw EngineError(
          .dtype, "a map has other keys", expected: "strings", received: "\(map.keys.dtype)")
      }
      let keys = StringKeys(map.keys.strings)
      places = words.map { keys.place($0) }
    }
    let values = try map.flatValues()
    let shape: Shape = [1, places.count]
    if values.dtype == .string {
      let texts = values.strings
      return [
        .tensor(try Tensor(shape: shape, strings: places.map { $0 < 0 ? "" : texts[$0] }))
      ]
    }
    let size = values.dtype.byteSize
    let out = try e.allocate(TensorType(values.dtype, shape))
    let nothing = try zero(values.dtype)
    for (i, place) in places.enumerated() {
      let source = place < 0 ? nothing.storage.bytes : values.storage.bytes + place * size
      (out.bytes + i * size).copyMemory(from: source, byteCount: size)
    }
    withExtendedLifetime((values, nothing)) {}
    return [.tensor(Tensor(out))]
  }
}
