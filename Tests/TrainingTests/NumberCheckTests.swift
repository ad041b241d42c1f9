import Tensors
import Testing
import Training

private final class Scale: Layer {
  let weight: Parameter
  init(_ value: Float) throws { weight = Parameter(try Tensor([value, 2])) }
  override func forward(_ x: Tensor) throws -> Tensor { try x * weight.value }
}

private final class Chain: Module {
  let first: Scale
  let second: Scale
  init() throws {
    first = try Scale(1)
    second = try Scale(3)
  }
}

/// Where the first NaN or infinity comes from.
@Suite struct NumberCheckTests {
  private func failure(_ loss: (Chain) throws -> Tensor) throws -> EngineError? {
    do { _ = try checkedValueAndGradient(of: Chain(), loss) } catch { return error as? EngineError }
    return nil
  }

  @Test func finiteStepsPass() throws {
    let x = try Tensor([1, -1] as [Float])
    #expect(try failure { try $0.second($0.first(x)).squared().sum() } == nil)
  }

  @Test func forward() throws {
    let x = try Tensor([0, 1] as [Float])
    let e = try failure { try $0.second($0.first(x).log()).sum() }
    #expect(e?.code == .value)
    #expect(e?.subject.operatorName == "Log")
    #expect(e?.message.contains("result") == true)
    #expect(e?.received?.contains("0.0...2.0") == true)
  }

  @Test func inALayer() throws {
    let x = try Tensor([3e38, 1] as [Float])
    let e = try failure { try $0.second($0.first(x)).sum() }
    #expect(e?.subject.node == "second")
    #expect(e?.subject.operatorName == "Mul")
  }

  /// The result is finite, its gradient is not.
  @Test func backward() throws {
    let x = try Tensor([0, 1] as [Float])
    let e = try failure { try $0.first(x).squareRoot().sum() }
    #expect(e?.message.contains("gradient") == true)
    #expect(e?.subject.operatorName == "Sqrt")
    #expect(e?.subject.file?.hasSuffix("NumberCheckTests.swift") == true)
  }

  /// The step that is looked at is the one that failed: the same random numbers.
  @Test func randomNumbersAreTheSame() throws {
    var seen: [[Double]] = []
    let e = try failure { model in
      let noise = try Tensor.uniform([2])
      seen.append(try noise.numbers())
      return try (model.first(noise) / 0).sum()
    }
    #expect(e?.subject.operatorName == "Div")
    #expect(seen.count == 2 && seen[0] == seen[1])
  }

  @Test func brokenParameters() throws {
    let (model, x) = (try Chain(), try Tensor([1, 1] as [Float]))
    model.second.weight.value = try Tensor([.nan, 1] as [Float])
    let e = #expect(throws: EngineError.self) {
      try checkedValueAndGradient(of: model) { try $0.second($0.first(x)).sum() }
    }
    #expect(e?.code == .value)
    #expect(e?.message.contains("'second.weight'") == true)
  }
}
