import Formats
import Graphs
import Operators
import Tensors

/// Texts cut into words and looked up: lower case, punctuation dropped, split at white space.
///
/// Punctuation is dropped by cutting at each of its characters and joining the pieces in a Scan,
/// since ONNX replaces nothing in strings.
struct TextVectorizationLayer: KerasLayer {
  private let lowers: Bool
  private let strips: Bool
  private let splits: Bool
  private let length: Int?
  private let table: LookupTable

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    let standardize =
      config.members["standardize"] == .null
      ? "none"
      : try config.choice(
        "standardize", ["lower", "strip_punctuation", "lower_and_strip_punctuation"],
        default: "lower_and_strip_punctuation")
    lowers = standardize.contains("lower")
    strips = standardize.contains("strip")
    splits =
      config.members["split"] == .null
      ? false : try config.choice("split", ["whitespace"], default: "whitespace") == "whitespace"
    length = try config.optionalInt("output_sequence_length")
    guard config["ngrams"] == nil else {
      throw EngineError(.unsupported, "n-grams of words are not converted")
    }
    guard try !config.bool("ragged", default: false) else {
      throw EngineError(.unsupported, "ragged outputs are not converted")
    }
    if let length, length < 0 || length > 1 << 24 {
      throw EngineError(.malformed, "'\(config.name)' has a length of \(length)")
    }
    // The lookup within has its own defaults: an empty mask token where places are wanted.
    var members = JSONObject()
    for (key, value) in zip(config.members.keys, config.members.values)
    where ["output_mode", "pad_to_max_tokens", "max_tokens", "vocabulary", "sparse"].contains(key) {
      members.append(key, value)
    }
    members.append("name", .string(config.name))
    members.append("oov_token", "[UNK]")
    if try config.string("output_mode", default: "int") == "int" {
      members.append("mask_token", "")
    }
    table = try LookupTable(
      KerasConfig(className: "StringLookup", members: members), isText: true, reader)
  }

  var variables: [KerasVariable] { table.variables }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    var x = try call.raw().id
    let rank = try call.rank(x)
    guard rank == 1 || rank == 2 else { throw call.unsupported("its texts have \(rank) axes") }
    if splits, rank == 2 { x = try call.squeeze(x, [1]) }
    if lowers || strips { x = try standardized(x, call) }
    if splits { x = try call.b.apply(StringSplit(), inputs: [x], outputs: 2)[0] }
    var y = try table.convert(x, call, padding: splits ? "" : nil)
    guard table.encoding == .int, let length else { return .id(y) }
    if splits {
      // Padded by as much as is wanted, then cut.
      let batch = try call.dims(x)[0]
      let zeros = try call.b.apply(
        Expand(), try call.b.constant(try Tensor(scalar: Int64(0))),
        try call.shape([batch, Dim(length)], like: [x]))
      y = try call.concat([y, zeros], axis: 1)
      y = try call.slice(y, axis: 1, from: 0, to: length)
    }
    return .id(y)
  }

  private func standardized(_ x: ValueID, _ call: LayerCall) throws(EngineError) -> ValueID {
    let rank = try call.rank(x)
    let dims = try call.dims(x)
    // The operator takes one axis.
    var y = rank == 1 ? x : try call.reshape(x, [-1])
    if lowers {
      y = try call.b.apply(
        StringNormalizer(action: "LOWER", isCaseSensitive: true), y)
    }
    if strips {
      for mark in Self.punctuation { y = try without(String(mark), y, call) }
    }
    return rank == 1 ? y : try call.reshape(y, dims: dims, like: [x])
  }

  private static let punctuation = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"

  /// The texts without `mark`: their pieces joined one after the other.
  private func without(
    _ mark: String, _ x: ValueID, _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    let b = call.b
    let pieces = try b.apply(StringSplit(delimiter: mark), inputs: [x], outputs: 2)[0]
    let body = ConversionBuilder()
    let dims = try call.dims(x)
    let (before, piece) = (
      body.input("joined", Fact(.string, dims)), body.input("piece", Fact(.string, dims))
    )
    try body.output("next", try body.apply(StringConcat(), before, piece))
    let start = try b.apply(
      Expand(), try b.constant(try Tensor(shape: [], strings: [""])),
      try call.shape(dims, like: [x]))
    let op = try Scan(
      reading: AttributeReader(
        "Scan", opset: 16,
        attributes: [
          .graph("body", body.graph), .int("num_scan_inputs", 1), .ints("scan_input_axes", [1]),
          .ints("scan_input_directions", [0]), .ints("scan_output_axes", []),
          .ints("scan_output_directions", []),
        ], inputCount: 2, outputCount: 1))
    return try b.apply(op, inputs: [start, pieces])
  }
}
