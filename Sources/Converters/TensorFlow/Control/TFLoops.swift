import Graphs
import Tensors

/// Loops over functions of the library.
enum TFLoops {
  static let operators: [TFOperator] = ["While", "StatelessWhile"].map { name in
    TFOperator.many(name) { (c) throws(EngineError) in
      let session = c.session
      let condition = try TFFunctions.named("cond", c)
      let body = try TFFunctions.named("body", c)
      let passed = TFFunctions.passed(try session.program.body(body))
      return try FlowLoop(
        session, initial: c.inputs,
        isKept: c.inputs.indices.map { $0 < passed.count && passed[$0] == $0 },
        condition: { (v) throws(EngineError) in
          try TFFunctions.results(of: condition, v, session)
        },
        body: { (v) throws(EngineError) in try TFFunctions.results(of: body, v, session) }
      ).convert()
    }
  }
}
