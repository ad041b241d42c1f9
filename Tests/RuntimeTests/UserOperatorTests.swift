import DLRun
import Operators
import Testing

/// `sign(x) * max(|x| - bias, 0)`: an operator of a user, by the protocol the built-in ones use.
private struct Softshrink: Operator {
  let bias: Float

  static let schema = Schema(
    "Softshrink", domain: "com.example", versions: [1],
    inputs: [Parameter("X", [DTypes(.float32)])], outputs: [Parameter("Y", [DTypes(.float32)])],
    attributes: [AttributeSpec("bias", .float, "at least 0; default 0.5")],
    cases: { [.init(Softshrink(bias: 0.5), [try Tensor([-1, 0.2, 2] as [Float])])] })

  init(bias: Float) { self.bias = bias }
  init(reading a: AttributeReader) throws(EngineError) {
    bias = try a.float("bias", default: 0.5)
    guard bias >= 0 else {
      throw EngineError(.attribute, "bias is negative", expected: "0 or more", received: "\(bias)")
    }
  }
  var attributes: [Attribute] { [.float("bias", bias)] }

  func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }

  func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let count = try p.input(0).count
    let bias = bias
    return Prepared(inPlace: 1, label: "plain") { (m) throws(EngineError) in
      let (x, y) = (m.input(0, Float.self), m.output(0, Float.self))
      for i in 0..<count {
        let v = x[i]
        y[i] = v > bias ? v - bias : v < -bias ? v + bias : 0
      }
    }
  }
}

/// An operator of ONNX that a user replaces.
private struct LoudRelu: Operator {
  static let schema = Schema(
    "Relu", versions: [1], inputs: [Parameter("X", .floats)], outputs: [Parameter("Y", .floats)],
    cases: { [] })
  init(reading a: AttributeReader) throws(EngineError) {}
  func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }
  func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    [.tensor(try Tensor([42] as [Float]))]
  }
}

@Suite struct UserOperatorTests {
  private func model(bias: Float) -> Model {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "n")]))
    let y = g.addValue("y", Fact(nil, nil))
    let z = g.addValue("z", Fact(nil, nil))
    g.nodes = [
      .init(
        name: "shrink", type: "Softshrink", domain: "com.example",
        attributes: [.float("bias", bias)], inputs: [x], outputs: [y]),
      .init(name: "relu", type: "Relu", inputs: [y], outputs: [z]),
    ]
    g.outputs = [y, z]
    var model = Model(g)
    model.opsets = [("", 17), ("com.example", 1)]
    return model
  }
  private let x = [-2, -0.25, 0.25, 1] as [Float]

  @Test func runsAmongTheBuiltInOnes() throws {
    let operators = try OperatorSet(adding: [Softshrink.self])
    let session = try Session(model(bias: 0.5), options: .init(operators: operators))
    let out = try session.run(["x": Tensor(x)])
    #expect(out["y"]?.elements(Float.self).elementsEqual([-1.5, 0, 0, 0.5]) == true)
    #expect(out["z"]?.elements(Float.self).elementsEqual([0, 0, 0, 0.5]) == true)
  }

  @Test func isUnknownToOtherSessions() throws {
    #expect(throws: EngineError.self) { try Session(model(bias: 0.5)) }
  }

  @Test func itsErrorsNameNodeAndOperator() throws {
    let operators = try OperatorSet(adding: [Softshrink.self])
    do {
      _ = try Session(model(bias: -1), options: .init(operators: operators))
      Issue.record("a negative bias was accepted")
    } catch {
      #expect("\(error)".contains("shrink"))
      #expect("\(error)".contains("bias is negative"))
    }
  }

  @Test func replacesABuiltInOne() throws {
    let operators = try OperatorSet(adding: [Softshrink.self, LoudRelu.self])
    let session = try Session(model(bias: 0.5), options: .init(operators: operators))
    #expect(try session.run(["x": Tensor([1] as [Float])])["z"]?.elements(Float.self)[0] == 42)
  }

  @Test func oneNameMayBeAddedOnce() throws {
    #expect(throws: EngineError.self) {
      try OperatorSet(adding: [Softshrink.self, Softshrink.self])
    }
  }
}
