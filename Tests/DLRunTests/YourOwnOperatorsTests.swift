import DLRun
import Testing

/// `sign(x) * max(|x| - bias, 0)`.
struct Softshrink: Operator {
  let bias: Float

  static let schema = Schema(
    "Softshrink", domain: "com.example", versions: [1],
    inputs: [Parameter("X", [DTypes(.float32)])],
    outputs: [Parameter("Y", [DTypes(.float32)])],
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

/// The code of the manual's page YourOwnOperators, with nothing imported but DLRun.
@Suite struct YourOwnOperatorsTests {
  @Test func runs() throws {
    var graph = Graph()
    let x = graph.addInput("x", Fact(.float32, [Dim(symbol: "n")]))
    let y = graph.addValue("y", Fact(.float32, nil))
    graph.nodes = [
      .init(
        name: "shrink", type: "Softshrink", domain: "com.example",
        attributes: [.float("bias", 1)], inputs: [x], outputs: [y])
    ]
    graph.outputs = [y]
    var model = Model(graph)
    model.opsets = [("com.example", 1)]

    let operators = try OperatorSet(adding: [Softshrink.self])
    let session = try Session(model, options: .init(operators: operators))
    let outputs = try session.run(["x": Tensor([-2, 0.5, 3] as [Float])])

    #expect(try outputs["y"]?.values(as: Float.self) == [-1, 0, 2])
  }
}
