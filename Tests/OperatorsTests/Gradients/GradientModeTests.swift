import Graphs
import Operators
import Tensors
import Testing

/// The gradients of operators in all their modes, beyond the cases of their schemas.
@Suite struct GradientModeTests {
  @Test func rulesEqualDifferences() throws {
    for (name, c) in try GradientModes.all() {
      let check = try GradientCheck(c)
      let key = "\(type(of: c.op)), \(name)"
      for failure in try check.failures() { Issue.record("\(key): \(failure)") }
      do {
        for failure in try check.recordedFailures() { Issue.record("\(key): \(failure)") }
      } catch let error as EngineError where error.code == .notDifferentiable {
        // Some rules need sizes, and say so.
      }
    }
  }

  @Test func rulesHaveRules() throws {
    for (name, c) in try GradientModes.all() {
      let schema = type(of: c.op).schema
      let key = schema.domain + ":" + schema.name
      guard !EveryOperatorTests.onlyOnce.contains(key) else { continue }
      for failure in try GradientCheck(c).secondFailures() {
        Issue.record("\(type(of: c.op)), \(name): \(failure)")
      }
    }
  }
}
