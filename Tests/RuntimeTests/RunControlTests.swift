import DLRun
import Testing

@Suite struct RunControlTests {
  private func code(_ body: () throws -> Void) -> EngineError.Code? {
    do {
      try body()
      return nil
    } catch { return (error as? EngineError)?.code }
  }

  @Test func whatIsNoLengthOfTimeThrows() {
    #expect(code { _ = try RunControl(seconds: .nan) } == .usage)
    #expect(code { _ = try RunControl(seconds: -1) } == .usage)
    #expect(code { _ = try RunControl(seconds: -.infinity) } == .usage)
    #expect(code { _ = try RunControl(timeout: .seconds(-1)) } == .usage)
    #expect(code { _ = try RunControl(timeout: .nanoseconds(-1)) } == .usage)
  }

  @Test func noDeadline() throws {
    for control in [
      RunControl(), try RunControl(seconds: nil), try RunControl(seconds: .infinity),
      try RunControl(seconds: 1e300), try RunControl(timeout: .seconds(Int64.max)),
    ] { #expect(code { try control.check() } == nil) }
  }

  @Test func aDeadlinePasses() throws {
    #expect(code { try RunControl(seconds: 0).check() } == .deadline)
    #expect(code { try RunControl(timeout: .zero).check() } == .deadline)
    #expect(code { try RunControl(timeout: .seconds(100)).check() } == nil)
  }

  @Test func aParentEndsItsChildren() throws {
    let parent = RunControl()
    let child = try RunControl(timeout: .seconds(100), parent: parent)
    #expect(code { try child.check() } == nil)
    parent.cancel()
    #expect(child.isCancelled)
    #expect(code { try child.check() } == .cancelled)
    #expect(code { try RunControl(parent: RunControl(seconds: 0)).check() } == .deadline)
  }
}
