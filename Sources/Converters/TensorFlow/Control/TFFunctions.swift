import Graphs
import Tensors

/// Calls of functions of the library, inlined.
enum TFFunctions {
  /// The results of function `name` for the inputs of `call`, in the graph being recorded.
  static func call(_ name: String, _ call: TFCall) throws(EngineError) -> [FlowValue] {
    try results(of: name, call.inputs, call.session)
  }

  static func results(
    of name: String, _ arguments: [FlowValue], _ session: TFSession
  ) throws(EngineError) -> [FlowValue] {
    try session.nested { () throws(EngineError) in
      let body = try session.program.body(name)
      guard body.argumentCount == arguments.count else {
        throw EngineError(
          .invalidModel, "function '\(name)' is called with the wrong number of arguments",
          expected: "\(body.argumentCount)", received: "\(arguments.count)")
      }
      let scope = TFScope(session, body, arguments: arguments)
      var values: [FlowValue] = []
      for r in body.results { values.append(try scope.value(r.ref)) }
      return values
    }
  }

  /// The function of attribute `name`, which must be in the library.
  static func named(_ name: String, _ call: TFCall) throws(EngineError) -> String {
    guard let function = try call.a.function(name) else {
      throw EngineError(.invalidModel, "attribute '\(name)' names no function")
    }
    return function
  }

  /// For each result the argument that it is, through nothing but identities; nil for others.
  static func passed(_ body: TFBody) -> [Int?] {
    body.results.map {
      source($0.ref, body).flatMap { $0.node < body.argumentCount ? $0.node : nil }
    }
  }

  /// Where `ref` comes from, behind identities.
  static func source(_ ref: TFRef, _ body: TFBody) -> TFRef? {
    var ref = ref
    // No chain without a cycle is longer than the body.
    for _ in 0...body.nodes.count {
      guard
        ["Identity", "RefIdentity", "IdentityN", "StopGradient", "PreventGradient"].contains(
          body.nodes[ref.node].op)
      else { return ref }
      let inputs = body.inputs[ref.node]
      let next = body.nodes[ref.node].op == "IdentityN" ? ref.output : 0
      guard next < inputs.count else { return nil }
      ref = inputs[next]
    }
    return nil
  }
}
