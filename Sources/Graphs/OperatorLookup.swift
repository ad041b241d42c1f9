import Tensors

/// Where graph-wide rules find operators: the registry's makers, and the opsets a model imports.
///
/// `Graphs` knows no operator by name; `Operators.Registry` supplies the two closures.
public struct OperatorLookup: Sendable {
  /// Makes the operator of a node for an opset version of its domain.
  public typealias Make = @Sendable (Graph.Node, Int) throws(EngineError) -> any Operator
  /// The schema of the operator of this domain and name, or nil.
  public typealias FindSchema = @Sendable (_ domain: String, _ name: String) -> Schema?

  public let make: Make
  public let schema: FindSchema
  private let versions: [String: Int]

  /// `opsets` as the model lists them; of a domain listed twice the first counts.
  public init(
    opsets: [(domain: String, version: Int)], make: @escaping Make,
    schema: @escaping FindSchema = { (_, _) in nil }
  ) {
    self.make = make
    self.schema = schema
    versions = Dictionary(
      opsets.map { (normalisedDomain($0.domain), $0.version) }, uniquingKeysWith: { a, _ in a })
  }

  /// The imported version of `domain`, "ai.onnx" and "" being one.
  public func opset(_ domain: String) -> Int? { versions[normalisedDomain(domain)] }

  /// The operator of `node`: the one it holds, else a new one for the imported opset.
  ///
  /// Errors: `.invalidModel` when the model imports no version of the node's domain; those of
  /// the registry: `.unsupported`, `.attribute`, `.arity`.
  public func bind(_ node: Graph.Node) throws(EngineError) -> any Operator {
    if let op = node.op { return op }
    guard let opset = node.opset ?? opset(node.domain) else {
      throw EngineError(
        .invalidModel, "the model imports no version of domain '\(shownDomain(node.domain))'",
        hint: "add it to opset_import", subject: .init(operatorName: node.type))
    }
    return try make(node, opset)
  }
}

/// "" for ONNX's own domain under either of its names.
func normalisedDomain(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }
/// The domain as messages name it.
func shownDomain(_ domain: String) -> String { domain.isEmpty ? "ai.onnx" : domain }
