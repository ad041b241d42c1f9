import Tensors

/// A node's attributes (`attr_value.proto`), each decoded when it is asked for.
///
/// Fields of a value: 1 list, 2 bytes, 3 integer, 4 float, 5 bool, 6 type, 7 shape, 8 tensor,
/// 10 function; of a list the same numbers from 2, and 9 for functions.
struct TFAttributes: Sendable {
  private(set) var values: [String: ProtoMessage] = [:]

  mutating func set(_ name: String, _ value: ProtoMessage) { values[name] = value }
  func has(_ name: String) -> Bool { values[name] != nil }

  private func field(_ name: String, _ number: Int) throws(EngineError) -> ProtoMessage.Field? {
    try values[name]?.last(number)
  }

  func int(_ name: String, _ fallback: Int) throws(EngineError) -> Int {
    try field(name, 3)?.int ?? fallback
  }
  func float(_ name: String, _ fallback: Float) throws(EngineError) -> Float {
    try field(name, 4)?.float ?? fallback
  }
  func bool(_ name: String, _ fallback: Bool = false) throws(EngineError) -> Bool {
    try field(name, 5)?.bool ?? fallback
  }
  func string(_ name: String, _ fallback: String = "") throws(EngineError) -> String {
    try field(name, 2)?.message.text() ?? fallback
  }
  /// TensorFlow's number of an element type.
  func typeCode(_ name: String) throws(EngineError) -> Int? { try field(name, 6)?.int }
  /// The dtype of a type attribute; nil where it is missing or has none.
  func dtype(_ name: String) throws(EngineError) -> DType? {
    try typeCode(name).flatMap { TFElementType.dtype($0) }
  }
  /// Sizes, -1 for unknown ones; nil for an unknown rank or no shape.
  func shape(_ name: String) throws(EngineError) -> [Int]? {
    guard let message = try field(name, 7)?.message else { return nil }
    return try TFShape.dims(message)
  }
  func tensor(_ name: String) throws(EngineError) -> ProtoMessage? {
    try field(name, 8)?.message
  }
  /// The name of a function.
  func function(_ name: String) throws(EngineError) -> String? {
    try field(name, 10)?.message.last(1)?.message.text()
  }
  /// The names of a list of functions.
  func functions(_ name: String) throws(EngineError) -> [String] {
    var names: [String] = []
    guard let list = try field(name, 1)?.message else { return [] }
    for f in try list.all(9) {
      if let n = try f.message.last(1) { names.append(try n.message.text()) }
    }
    return names
  }
  func ints(_ name: String, _ fallback: [Int] = []) throws(EngineError) -> [Int] {
    guard let list = try field(name, 1)?.message else { return fallback }
    var values: [Int] = []
    for f in try list.all(3) { try ProtoMessage.ints(f, into: &values) }
    return values
  }
  func floats(_ name: String) throws(EngineError) -> [Float] {
    guard let list = try field(name, 1)?.message else { return [] }
    var values: [UInt32] = []
    for f in try list.all(4) { try ProtoMessage.fixed(f, UInt32.self, into: &values) }
    return values.map { Float(bitPattern: $0) }
  }
  func strings(_ name: String) throws(EngineError) -> [String] {
    var values: [String] = []
    guard let list = try field(name, 1)?.message else { return [] }
    for f in try list.all(2) { values.append(try f.message.text()) }
    return values
  }
  /// TensorFlow's numbers of a list of element types.
  func typeCodes(_ name: String) throws(EngineError) -> [Int] {
    guard let list = try field(name, 1)?.message else { return [] }
    var values: [Int] = []
    for f in try list.all(6) { try ProtoMessage.ints(f, into: &values) }
    return values
  }
  /// Every function that some attribute names.
  func allFunctions() throws(EngineError) -> [String] {
    var names: [String] = []
    for key in values.keys.sorted() {
      if let one = try function(key) { names.append(one) }
      names += try functions(key)
    }
    return names
  }
}
