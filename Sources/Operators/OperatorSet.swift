import Graphs
import Tensors

/// The operators a session finds by name: the built-in ones, and those its user adds.
///
/// ```swift
/// let operators = try OperatorSet(adding: [Softshrink.self])
/// let session = try Session(model, options: .init(operators: operators))
/// ```
public struct OperatorSet: Sendable {
  private struct Key: Hashable, Sendable {
    let domain: String
    let name: String
  }
  /// An operator whose schema is known only while the program runs, as one made of callbacks is.
  public struct Definition: Sendable {
    public typealias Make = @Sendable (AttributeReader) throws(EngineError) -> any Operator
    public let schema: Schema
    /// Whether attributes beside those of the schema are handed on instead of refused.
    public let takesAnyAttribute: Bool
    public let make: Make
    public init(_ schema: Schema, takesAnyAttribute: Bool = false, make: @escaping Make) {
      self.schema = schema
      self.takesAnyAttribute = takesAnyAttribute
      self.make = make
    }
    init(_ type: any Operator.Type) {
      schema = type.schema
      takesAnyAttribute = false
      make = { (a) throws(EngineError) in try type.init(reading: a) }
    }
  }
  private let added: [Key: Definition]

  /// What dlrun brings.
  public static let builtIn = OperatorSet()
  private init() { added = [:] }
  /// Whether its user added operators.
  public var hasAdditions: Bool { !added.isEmpty }

  /// The built-in operators and `operators`, each found by the domain and name of its schema. One
  /// that has the name of a built-in operator takes its place.
  ///
  /// Errors: `.usage` when two of them have one name.
  public init(
    adding operators: [any Operator.Type] = [], definitions: [Definition] = []
  ) throws(EngineError) {
    var added: [Key: Definition] = [:]
    for definition in operators.map({ Definition($0) }) + definitions {
      let schema = definition.schema
      let key = Key(domain: Self.canonical(schema.domain), name: schema.name)
      guard added.updateValue(definition, forKey: key) == nil else {
        throw EngineError(
          .usage, "two operators are added under one name",
          received: "\(key.name) of domain \(key.domain.isEmpty ? "ai.onnx" : key.domain) twice")
      }
    }
    self.added = added
  }

  /// The operator of this name; "ai.onnx" and "" are one domain.
  private func find(domain: String, name: String) -> Definition? {
    if !added.isEmpty, let found = added[Key(domain: Self.canonical(domain), name: name)] {
      return found
    }
    return Registry.find(domain: domain, name: name).map { Definition($0) }
  }

  private static func canonical(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

  /// The operator of a node, its attributes decoded for the opset version.
  ///
  /// Errors: `.unsupported` for an unknown operator or a version before its first,
  /// `.attribute` for attributes that are missing, unknown or wrong.
  public func make(_ node: Graph.Node, opset: Int) throws(EngineError) -> any Operator {
    guard let definition = find(domain: node.domain, name: node.type) else {
      let domain = node.domain.isEmpty ? "ai.onnx" : node.domain
      throw EngineError(
        .unsupported, "operator \(node.type) of domain \(domain) is not known",
        hint: "`dlrun ops` lists the operators", subject: .init(operatorName: node.type))
    }
    let schema = definition.schema
    do throws(EngineError) {
      if let first = schema.versions.first, opset < first {
        throw EngineError(
          .unsupported, "the operator does not exist in opset \(opset)",
          expected: "opset \(first) or later")
      }
      if !definition.takesAnyAttribute {
        try schema.checkAttributes(node.attributes, opset: opset)
      }
      try schema.checkArity(
        inputs: node.inputs.map { $0 != nil }, outputs: node.outputs.count, opset: opset)
      return try definition.make(
        AttributeReader(
          schema.name, opset: opset, attributes: node.attributes, inputCount: node.inputs.count,
          outputCount: node.outputs.count))
    } catch { throw error.at(operatorName: schema.name) }
  }

  /// The operators in the versions that `opsets` names, for rules that walk a graph.
  public func lookup(opsets: [(domain: String, version: Int)]) -> OperatorLookup {
    OperatorLookup(
      opsets: opsets,
      make: { (node, opset) throws(EngineError) in try make(node, opset: opset) },
      schema: { find(domain: $0, name: $1)?.schema })
  }
}
