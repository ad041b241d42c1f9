import Formats
import Graphs
import Operators
import Tensors

/// A vocabulary with the rules for what is not in it.
///
/// Places begin with one for the mask token (0, only where places themselves are wanted), then those
/// for unknown tokens, then the vocabulary's.
struct LookupTable: Sendable {
  private let tokens: [JSONValue]
  let isText: Bool
  let encoding: CategoryEncoding
  private let mask: JSONValue?
  private let unknown: JSONValue?
  private let unknownCount: Int
  private let inverts: Bool
  private let depthGiven: Int?
  /// Weights of tokens from the configuration; nil where the archive has those of all places.
  private let weights: [Double]?

  init(_ config: KerasConfig, isText: Bool, _ reader: KerasReader) throws(EngineError) {
    self.isText = isText
    encoding = try CategoryEncoding(config, default: "int")
    mask = config["mask_token"]
    unknown = config["oov_token"]
    unknownCount = try config.int("num_oov_indices", default: 1)
    inverts = try config.bool("invert", default: false)
    let pads = try config.bool("pad_to_max_tokens", default: false)
    depthGiven = pads ? try config.int("max_tokens") : nil
    guard (0...1_000_000).contains(unknownCount) else {
      throw EngineError(.malformed, "'\(config.name)' has \(unknownCount) places for the unknown")
    }
    let method = try config.string("oov_method", default: "floormod")
    if unknownCount > 1, isText || config["salt"] != nil || method != "floormod" {
      throw EngineError(
        .unsupported, "unknown tokens are hashed (FarmHash or SipHash), which ONNX has no form for",
        hint: "use num_oov_indices=1")
    }
    let listed = config["vocabulary"].flatMap(KerasConfig.items)
    guard var list = listed ?? reader.vocabulary(isText: isText) else {
      throw EngineError(.unsupported, "it has no vocabulary in the file")
    }
    let special =
      (encoding == .int && mask != nil ? [mask] : [])
      + [JSONValue?](repeating: unknown, count: unknownCount)
    if list.count >= special.count, list.prefix(special.count).map({ $0 }) == special {
      list.removeFirst(special.count)
    }
    guard list.allSatisfy({ isText ? $0.asString != nil : $0.asInt != nil }) else {
      throw EngineError(.malformed, "the vocabulary of '\(config.name)' has tokens of two kinds")
    }
    tokens = list
    if encoding == .weighted, config["idf_weights"] != nil {
      var given = try config.numbers("idf_weights", default: 1).values
      // Unknown tokens weigh as much as the others on average, unless they are listed too.
      if given.count == list.count {
        let mean = given.reduce(0, +) / Double(Swift.max(given.count, 1))
        given = [Double](repeating: mean, count: unknownCount) + given
      }
      let missing = (depthGiven ?? list.count + unknownCount) - given.count
      guard (0...1 << 24).contains(missing) else {
        throw EngineError(.malformed, "'\(config.name)' has another number of idf weights")
      }
      weights = given + [Double](repeating: 0, count: missing)
    } else {
      weights = nil
    }
  }

  var variables: [KerasVariable] {
    encoding == .weighted && weights == nil
      ? [KerasVariable("idf_weights", isTrained: false, key: "idf_weights")] : []
  }

  private var first: Int { (encoding == .int && mask != nil ? 1 : 0) + unknownCount }
  private var depth: Int { depthGiven ?? tokens.count + first }

  private func keys(_ list: [JSONValue]) throws(EngineError) -> Tensor {
    isText
      ? try Tensor(shape: [list.count], strings: list.compactMap(\.asString))
      : try Tensor(list.compactMap { $0.asInt.map { Int64($0) } })
  }

  /// - `padding`: a token that stands for nothing and must not count.
  func convert(
    _ x: ValueID, _ call: LayerCall, padding: String? = nil
  ) throws(EngineError) -> ValueID {
    if inverts { return try inverse(x, call) }
    let input = isText ? x : try call.cast(x, to: .int64)
    var list = tokens
    var places = tokens.indices.map { Int64($0 + first) }
    let nowhere = encoding == .int ? 0 : Int64(Int32.max)
    if let mask {
      list.append(mask)
      places.append(nowhere)
    }
    if let padding, mask?.asString != padding {
      list.append(.string(padding))
      places.append(nowhere)
    }
    let other: Int64 = unknownCount == 1 ? Int64(first - 1) : -1
    let op = try LabelEncoder(
      keys: try keys(list), values: try Tensor(places), fallback: try Tensor([other]))
    var found = try call.b.apply(op, input)
    if unknownCount > 1 {
      let folded = try call.b.apply(Mod(), input, try call.b.scalar(unknownCount))
      let hashed = try call.add(folded, Double(first - unknownCount))
      let isOut = try call.b.apply(Less(), found, try call.b.scalar(0))
      found = try call.select(isOut, hashed, found)
    }
    guard encoding != .int else { return found }
    let type: DType = encoding == .weighted ? call.dtype : .int64
    let made = try encoding.encode(found, depth: depth, as: type, call)
    guard encoding == .weighted else { return made }
    guard let weights else { return try call.mul(made, try call.weight(0)) }
    let row = try Eager().apply(Cast(to: call.dtype), try Tensor(weights))
    return try call.mul(made, try call.b.constant(row))
  }

  private func inverse(_ x: ValueID, _ call: LayerCall) throws(EngineError) -> ValueID {
    var places = tokens.indices.map { Int64($0 + first) }
    var list = tokens
    if let mask {
      places.append(0)
      list.append(mask)
    }
    let op = try LabelEncoder(
      keys: try Tensor(places), values: try keys(list),
      fallback: try keys([unknown ?? (isText ? "[UNK]" : -1)]))
    return try call.b.apply(op, try call.cast(x, to: .int64))
  }
}
