import Glibc
import Graphs
import Tensors

/// A map's values in a row, ordered by key.
///
/// - `X`: a map from int64 to strings or float32 (other numbers are taken as well). `Y`: strings,
///   float32 or int64, `[1, n]`.
/// - `cast_to`: TO_FLOAT (default), TO_STRING or TO_INT64. Floats become text with six places, as
///   C's `%f` has them, and integers without their fraction; text is read as numbers from its start.
/// - `map_form`: DENSE (default): as many values as keys; SPARSE: `max_map` (default 1) places, each
///   with the value of its key; 0, or the text `0.f`, where there is none, and keys beyond are
///   left out.
/// - Errors: `.value` for text that is no number, or a negative key in a sparse map; `.dtype` for
///   keys that are strings.
/// - Source: ai.onnx.ml CastMap 1; ONNX Runtime 1.32 for text and missing places.
public struct CastMap: Operator {
  public let target: DType
  public let isSparse: Bool
  public let maxMap: Int

  static let types: DTypes = [.string, DTypes(.float32), .int64]
  static let names = ["TO_FLOAT": DType.float32, "TO_STRING": .string, "TO_INT64": .int64]

  public static let schema = Schema(
    "CastMap", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", [.string, DTypes(.float32)], "T1", containers: true)],
    outputs: [Parameter("Y", types, "T2")],
    attributes: [
      AttributeSpec("cast_to", .string, "TO_FLOAT (default), TO_STRING or TO_INT64"),
      AttributeSpec("map_form", .string, "DENSE (default) or SPARSE"),
      AttributeSpec("max_map", .int, "length of a sparse result; default 1"),
    ], cases: { [] })

  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string("cast_to", default: "TO_FLOAT", oneOf: CastMap.names.keys.sorted())
    target = CastMap.names[name] ?? .float32
    isSparse = try a.string("map_form", default: "DENSE", oneOf: ["DENSE", "SPARSE"]) == "SPARSE"
    maxMap = try a.int("max_map", default: 1)
    guard !isSparse || maxMap > 0 else {
      throw EngineError(
        .attribute, "'max_map' is out of range", expected: "from 1", received: "\(maxMap)")
    }
  }
  public var attributes: [Attribute] {
    [
      .string("cast_to", CastMap.names.first { $0.value == target }?.key ?? "TO_FLOAT"),
      .string("map_form", isSparse ? "SPARSE" : "DENSE"), .int("max_map", maxMap),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(target, [1, isSparse ? Dim(maxMap) : c.unknown()])]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let map = try e.map(0)
    let keys = try map.integerKeys()
    let values = try cast(map.flatValues())
    var order = keys.indices.sorted { keys[$0] < keys[$1] }
    if isSparse {
      if let first = order.first, keys[first] < 0 {
        throw EngineError(
          .value, "a sparse map has a negative key", expected: "0 or more",
          received: "\(keys[first])")
      }
      order = order.filter { keys[$0] < maxMap }
    }
    let shape = try Shape(checking: [1, isSparse ? maxMap : order.count])
    func placed<T>(_ list: [T], _ missing: T) -> [T] {
      if !isSparse { return order.map { list[$0] } }
      var row = [T](repeating: missing, count: maxMap)
      for i in order { row[Int(keys[i])] = list[i] }
      return row
    }
    try e.runner?.reserve(bytes: shape.count * 8)
    switch target {
    case .string:
      return [.tensor(try Tensor(shape: shape, strings: placed(values.strings, "0.f")))]
    case .int64:
      return [.tensor(try Tensor(shape: shape, placed(Array(values.elements(Int64.self)), 0)))]
    default:
      return [.tensor(try Tensor(shape: shape, placed(Array(values.elements(Float.self)), 0)))]
    }
  }

  private func cast(_ x: Tensor) throws(EngineError) -> Tensor {
    if x.dtype == .string {
      switch target {
      case .float32:
        var list: [Float] = []
        for text in x.strings { list.append(Float(try CastMap.number(text, isInteger: false))) }
        return try Tensor(list)
      case .int64:
        var list: [Int64] = []
        for text in x.strings { list.append(Int64(try CastMap.number(text, isInteger: true))) }
        return try Tensor(list)
      default: return x
      }
    }
    if target != .string { return try converted(x, target) }
    if x.dtype.isInteger { return try strings(of: x) }
    let texts = try converted(x, .float64).elements(Double.self).map { CastMap.sixPlaces($0) }
    return try Tensor(shape: [x.count], strings: texts)
  }

  /// The number at the start of `text`.
  private static func number(_ text: String, isInteger: Bool) throws(EngineError) -> Double {
    let kept = text.utf8.drop { $0 == 32 || (9...13).contains($0) }
    var end = kept.endIndex
    // The longest start that is a number; such text is short.
    while end > kept.startIndex {
      let part = String(decoding: kept[..<end].prefix(64), as: UTF8.self)
      if isInteger, let v = Int64(part) { return Double(v) }
      if !isInteger, let v = Double(part) { return v }
      end = kept.index(before: end)
    }
    throw EngineError(.value, "a value of the map is no number", received: "'\(text.prefix(40))'")
  }

  /// As C's `%f`.
  private static func sixPlaces(_ v: Double) -> String {
    var buffer = [CChar](repeating: 0, count: 400)
    let n = withVaList([v]) { vsnprintf(&buffer, buffer.count, "%f", $0) }
    return String(
      decoding: buffer.prefix(max(0, Int(n))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
