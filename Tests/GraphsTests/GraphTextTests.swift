import Graphs
import Tensors
import Testing

@Suite struct GraphTextTests {
  static func sample() throws -> Graph {
    var inner = Graph()
    inner.name = "then"
    inner.captures = [inner.addValue("x", Fact(.float32, [2]))]
    inner.outputs = [inner.add("TestAdd", [inner.captures[0], inner.captures[0]], output: "d")]
    var g = Graph()
    g.name = "main"
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "N"), 2]))
    let b = g.addInput("is it?", Fact(.bool, []))
    let w = g.addInitializer("w", try Tensor([1, 2] as [Float]))
    let a = g.add(
      "TestAdd", [x, w], output: "a",
      attributes: [.ints("pads", [1, 2]), .string("mode", "\"q\"")])
    let y = g.add("TestIf", [b, nil], output: "y", attributes: [.graph("then", inner)])
    g.nodes[1].captured = [a]
    g.outputs = [y]
    return g
  }

  @Test func readsLikeAProgram() throws {
    #expect(
      try GraphTextTests.sample().text() == """
        graph main(x: float32[N, 2], "is it?": bool[]) -> (y: ?[...]) {
          constant w: float32[2] = [1.0, 2.0]
          a: ?[...] = test.TestAdd <pads: [1, 2], mode: "\\"q\\"">(x, w)  # make_a
          y: ?[...] = test.TestIf("is it?", _) captures (a)  # make_y
            then = graph then() -> (d: ?[...]) captures (x: float32[2]) {
              d: ?[...] = test.TestAdd(x, x)  # make_d
            }
        }

        """)
  }

  @Test func modelsHaveAHeader() throws {
    var model = ModelGraph(Graph())
    model.opsets = [("", 20), ("test", 1)]
    model.metadata = [.init("dlrun.classes", "[\"a\"]")]
    #expect(
      model.text() == """
        ir_version 10
        opset ai.onnx 20
        opset test 1
        metadata dlrun.classes = "[\\"a\\"]"
        graph() -> () {
        }

        """)
  }
}
