import Graphs
import Tensors

/// Choices by number and truth between functions of the library.
enum TFBranches {
  static let operators: [TFOperator] =
    ["If", "StatelessIf"].map { name in
      TFOperator.many(name) { (c) throws(EngineError) in
        let then = try TFFunctions.named("then_branch", c)
        let otherwise = try TFFunctions.named("else_branch", c)
        let session = c.session
        return try FlowBranches.choose(
          try c.tensor(0), Array(c.inputs.dropFirst()), session,
          then: { (v) throws(EngineError) in try TFFunctions.results(of: then, v, session) },
          otherwise: { (v) throws(EngineError) in
            try TFFunctions.results(of: otherwise, v, session)
          })
      }
    }
    + ["Case", "StatelessCase"].map { name in
      TFOperator.many(name) { (c) throws(EngineError) in
        let session = c.session
        var branches: [FlowBranches.Branch] = []
        for name in try c.a.functions("branches") {
          branches.append(calling(name, session))
        }
        return try FlowBranches.select(
          branches[...], from: 0, try c.tensor(0), Array(c.inputs.dropFirst()), session)
      }
    }

  /// A branch that is a function of the library.
  private static func calling(_ name: String, _ session: TFSession) -> FlowBranches.Branch {
    func branch(_ values: [FlowValue]) throws(EngineError) -> [FlowValue] {
      try TFFunctions.results(of: name, values, session)
    }
    return branch
  }
}
