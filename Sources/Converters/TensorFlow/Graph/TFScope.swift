import Graphs
import Tensors

/// A body while it is converted: what its nodes became so far, in one graph being recorded.
///
/// Nodes are converted when something asks for them, in an order found with a stack of its own, so
/// that long chains cost no call stack.
final class TFScope {
  let session: TFSession
  let body: TFBody
  /// Arguments of a function.
  let arguments: [FlowValue]
  /// Values that stand for outputs of nodes, whatever the nodes say.
  var replaced: [TFRef: FlowValue] = [:]
  private var results: [Int: [FlowValue]] = [:]
  /// What loops of old control flow made, by the name of their frame.
  var loopResults: [String: [FlowValue]] = [:]

  init(
    _ session: TFSession, _ body: TFBody, arguments: [FlowValue] = []
  ) {
    self.session = session
    self.body = body
    self.arguments = arguments
  }

  /// What `ref` became; converts what it depends on.
  ///
  /// Errors: `.invalidModel` for cycles and outputs that do not exist; those of operators, with the
  /// node's name.
  func value(_ ref: TFRef) throws(EngineError) -> FlowValue {
    if let known = known(ref) { return known }
    var stack = [ref.node]
    var entered: Set<Int> = []
    while let n = stack.last {
      if results[n] != nil {
        stack.removeLast()
        continue
      }
      let missing = try dependencies(of: n).filter { known($0) == nil }
      if missing.isEmpty {
        results[n] = try convert(n)
        stack.removeLast()
        continue
      }
      // What was entered and has no result yet waits for `n`: a cycle, or an output that is none.
      entered.insert(n)
      if let bad = missing.first(where: { entered.contains($0.node) || results[$0.node] != nil }) {
        throw EngineError(
          .invalidModel,
          results[bad.node] != nil
            ? "output \(bad.output) of '\(body.nodes[bad.node].name)' is used, but it has none"
            : "the graph has a cycle that is no loop",
          subject: .init(node: body.nodes[n].name, operatorName: body.nodes[n].op))
      }
      for d in missing { stack.append(d.node) }
    }
    guard let made = known(ref) else {
      throw EngineError(
        .invalidModel, "output \(ref.output) of a node is used, but it has none",
        subject: .init(node: body.nodes[ref.node].name, operatorName: body.nodes[ref.node].op))
    }
    return made
  }

  private func known(_ ref: TFRef) -> FlowValue? {
    if let r = replaced[ref] { return r }
    guard let made = results[ref.node] else { return nil }
    return ref.output < made.count ? made[ref.output] : nil
  }

  /// What must be converted before node `n`.
  private func dependencies(of n: Int) throws(EngineError) -> [TFRef] {
    switch body.nodes[n].op {
    case "Exit", "RefExit":
      return try session.control(body).frames.dependencies(ofExit: n)
    case "Merge", "RefMerge":
      return try session.control(body).merges.dependencies(of: n)
    default: return body.inputs[n]
    }
  }

  /// A tensor.
  func tensor(_ ref: TFRef) throws(EngineError) -> ValueID {
    switch try value(ref) {
    case .tensor(let id): return id
    case .variable(let name): return try session.variable(name)
    default:
      throw EngineError(
        .unsupported, "a value that is no tensor is used as one",
        subject: .init(
          node: body.nodes[ref.node].name, operatorName: body.nodes[ref.node].op))
    }
  }

  private func convert(_ n: Int) throws(EngineError) -> [FlowValue] {
    let node = body.nodes[n]
    do throws(EngineError) {
      if node.op == TFNode.argumentOperator {
        guard n < arguments.count else {
          throw EngineError(.invalidModel, "a function is called with too few arguments")
        }
        return [arguments[n]]
      }
      session.builder.scope = node.name
      switch node.op {
      case "Exit", "RefExit": return [try session.control(body).frames.convert(exit: n, self)]
      case "Merge", "RefMerge": return try session.control(body).merges.convert(n, self)
      default: break
      }
      var inputs: [FlowValue] = []
      for ref in body.inputs[n] { inputs.append(try value(ref)) }
      session.builder.scope = node.name
      let call = TFCall(node: node, inputs: inputs, scope: self)
      if let op = TFOperators.table[node.op] { return try op.convert(call) }
      if session.program.has(node.op) { return try TFFunctions.call(node.op, call) }
      throw EngineError(.unsupported, "the operator is not converted")
    } catch { throw error.at(node: node.name, operatorName: node.op) }
  }
}
