import Tensors

/// A named constant of a node, as files carry it.
public struct Attribute: Sendable {
  public enum Payload: Sendable {
    case int(Int64)
    case ints([Int64])
    case float(Float)
    case floats([Float])
    /// Bytes, which most operators read as UTF-8.
    case string([UInt8])
    case strings([[UInt8]])
    case tensor(Tensor)
    case tensors([Tensor])
    case graph(Graph)
    case graphs([Graph])
    case sparse(SparseTensor)
    case sparses([SparseTensor])
    case type(ValueType)
    case types([ValueType])
    /// In a function's body: takes the value of the function's attribute of this name. The number
    /// is the format's attribute type code.
    case reference(String, typeCode: Int32)
  }
  public var name: String
  public var payload: Payload
  public var doc: String
  /// Bytes of fields the reader does not know, written back as they came.
  public var unknownFields: [UInt8]
  /// For each tensor of the payload its name, doc string and whatever else its file says of it, as
  /// it was on the wire; empty where there is none.
  public var tensorFields: [[UInt8]] = []
  /// For each type of the payload what its file says, where that is more than a `ValueType` holds.
  public var statedTypes: [Graph.StatedType?] = []

  public init(_ name: String, _ payload: Payload, doc: String = "", unknownFields: [UInt8] = []) {
    self.name = name
    self.payload = payload
    self.doc = doc
    self.unknownFields = unknownFields
  }

  public static func int(_ name: String, _ v: Int) -> Attribute { .init(name, .int(Int64(v))) }
  public static func bool(_ name: String, _ v: Bool) -> Attribute { .init(name, .int(v ? 1 : 0)) }
  public static func ints(_ name: String, _ v: [Int]) -> Attribute {
    .init(name, .ints(v.map { Int64($0) }))
  }
  public static func float(_ name: String, _ v: Float) -> Attribute { .init(name, .float(v)) }
  public static func floats(_ name: String, _ v: [Float]) -> Attribute { .init(name, .floats(v)) }
  public static func string(_ name: String, _ v: String) -> Attribute {
    .init(name, .string(Array(v.utf8)))
  }
  public static func strings(_ name: String, _ v: [String]) -> Attribute {
    .init(name, .strings(v.map { Array($0.utf8) }))
  }
  public static func tensor(_ name: String, _ v: Tensor) -> Attribute { .init(name, .tensor(v)) }
  public static func graph(_ name: String, _ v: Graph) -> Attribute { .init(name, .graph(v)) }
  public static func dtype(_ name: String, _ v: DType) -> Attribute {
    .init(name, .int(Int64(v.rawValue)))
  }
}

/// Non-zero values of a tensor with their places, in the format's coordinate form.
public struct SparseTensor: Sendable {
  /// `[NNZ]`.
  public var values: Tensor
  /// int64 `[NNZ]` of linear places, or `[NNZ, rank]` of coordinates.
  public var indices: Tensor
  public var dims: [Int]
  /// What a file says beside this: of the whole, of the values (without an initializer's name) and
  /// of the indices, as fields on the wire.
  public var unknownFields: [UInt8] = []
  public var valuesFields: [UInt8] = []
  public var indicesFields: [UInt8] = []
  public init(values: Tensor, indices: Tensor, dims: [Int]) {
    self.values = values
    self.indices = indices
    self.dims = dims
  }
}

/// A node's attributes while its operator is made: typed access with the schema's defaults.
public struct AttributeReader {
  public let operatorName: String
  /// The opset version of the node's domain that the model imports.
  public let opset: Int
  public let inputCount: Int
  public let outputCount: Int
  private let attributes: [Attribute]
  /// Every attribute as the node carries it.
  public var all: [Attribute] { attributes }

  public init(
    _ name: String, opset: Int, attributes: [Attribute], inputCount: Int = 0, outputCount: Int = 1
  ) {
    operatorName = name
    self.opset = opset
    self.attributes = attributes
    self.inputCount = inputCount
    self.outputCount = outputCount
  }

  public func has(_ name: String) -> Bool { find(name) != nil }
  /// The attribute's place in the node's list; after all others when absent.
  public func position(of name: String) -> Int {
    attributes.firstIndex { $0.name == name } ?? attributes.count
  }
  public func find(_ name: String) -> Attribute.Payload? {
    for a in attributes where a.name == name { return a.payload }
    return nil
  }

  private func wrong(_ name: String, _ expected: String, _ got: Attribute.Payload) -> EngineError {
    let received = "\(got)".prefix { $0 != "(" }
    return EngineError(
      .attribute, "attribute '\(name)' has the wrong type", expected: expected,
      received: String(received))
  }
  private func missing(_ name: String) -> EngineError {
    EngineError(.attribute, "required attribute '\(name)' is missing")
  }

  public func int(_ name: String, default d: Int) throws(EngineError) -> Int {
    guard let a = find(name) else { return d }
    guard case .int(let v) = a else { throw wrong(name, "int", a) }
    return Int(v)
  }
  public func int(_ name: String) throws(EngineError) -> Int {
    guard has(name) else { throw missing(name) }
    return try int(name, default: 0)
  }
  public func optionalInt(_ name: String) throws(EngineError) -> Int? {
    has(name) ? try int(name, default: 0) : nil
  }
  public func bool(_ name: String, default d: Bool) throws(EngineError) -> Bool {
    try int(name, default: d ? 1 : 0) != 0
  }
  public func ints(_ name: String, default d: [Int]) throws(EngineError) -> [Int] {
    guard let a = find(name) else { return d }
    guard case .ints(let v) = a else { throw wrong(name, "ints", a) }
    return v.map { Int($0) }
  }
  public func ints(_ name: String) throws(EngineError) -> [Int] {
    guard has(name) else { throw missing(name) }
    return try ints(name, default: [])
  }
  public func optionalInts(_ name: String) throws(EngineError) -> [Int]? {
    has(name) ? try ints(name, default: []) : nil
  }
  public func float(_ name: String, default d: Float) throws(EngineError) -> Float {
    guard let a = find(name) else { return d }
    guard case .float(let v) = a else { throw wrong(name, "float", a) }
    return v
  }
  public func float(_ name: String) throws(EngineError) -> Float {
    guard has(name) else { throw missing(name) }
    return try float(name, default: 0)
  }
  public func floats(_ name: String, default d: [Float]) throws(EngineError) -> [Float] {
    guard let a = find(name) else { return d }
    guard case .floats(let v) = a else { throw wrong(name, "floats", a) }
    return v
  }
  public func string(_ name: String, default d: String) throws(EngineError) -> String {
    guard let a = find(name) else { return d }
    guard case .string(let v) = a else { throw wrong(name, "string", a) }
    return String(decoding: v, as: UTF8.self)
  }
  /// A string attribute that must be one of `legal`.
  public func string(
    _ name: String, default d: String, oneOf legal: [String]
  ) throws(EngineError) -> String {
    let v = try string(name, default: d)
    guard legal.contains(v) else {
      throw EngineError(
        .attribute, "attribute '\(name)' has no legal value",
        expected: "one of \(legal.joined(separator: ", "))", received: "'\(v)'")
    }
    return v
  }
  public func strings(_ name: String, default d: [String]) throws(EngineError) -> [String] {
    guard let a = find(name) else { return d }
    guard case .strings(let v) = a else { throw wrong(name, "strings", a) }
    return v.map { String(decoding: $0, as: UTF8.self) }
  }
  public func tensor(_ name: String) throws(EngineError) -> Tensor? {
    guard let a = find(name) else { return nil }
    guard case .tensor(let v) = a else { throw wrong(name, "tensor", a) }
    return v
  }
  public func sparse(_ name: String) throws(EngineError) -> SparseTensor? {
    guard let a = find(name) else { return nil }
    guard case .sparse(let v) = a else { throw wrong(name, "sparse tensor", a) }
    return v
  }
  public func graph(_ name: String) throws(EngineError) -> Graph {
    guard let a = find(name) else { throw missing(name) }
    guard case .graph(let v) = a else { throw wrong(name, "graph", a) }
    return v
  }
  /// A dtype given by the format's number.
  public func dtype(_ name: String, default d: DType) throws(EngineError) -> DType {
    let code = try int(name, default: Int(d.rawValue))
    guard let raw = UInt8(exactly: code), let dtype = DType(rawValue: raw) else {
      throw EngineError(
        .attribute, "attribute '\(name)' names no element type", expected: "1 to 28",
        received: "\(code)")
    }
    return dtype
  }
}
