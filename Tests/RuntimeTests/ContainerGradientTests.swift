import DLRun
import Testing

/// Gradients through sequences, optionals and the graphs of attention, against central differences
/// of whole sessions in float64.
@Suite struct ContainerGradientTests {
  private func values(_ shape: Shape, _ phase: Int = 0) throws -> Tensor {
    try Tensor(
      shape: shape, (0..<shape.count).map { Double(($0 * 7 + phase * 3) % 11) / 6 - 0.83 })
  }

  private func blank(_ g: inout Graph, _ name: String = "") -> ValueID {
    g.addValue(name, Fact(nil, nil))
  }

  private func place(_ g: inout Graph, _ i: Int64) throws -> ValueID {
    g.addInitializer("place\(g.values.count)", try Tensor(scalar: i))
  }

  /// Rows taken apart, one of them used twice, another put in front, one left out, joined.
  @Test(arguments: [0, 1]) func throughASequence(_ keeps: Int) throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float64, [3, 2]))
    let z = g.addInput("z", Fact(.float64, keeps == 1 ? [1, 2] : [2]))
    let (rows, first, last) = (blank(&g), blank(&g), blank(&g))
    let (more, fewer, joined) = (blank(&g), blank(&g), blank(&g))
    let (product, square, y) = (blank(&g), blank(&g), blank(&g, "y"))
    let (one, back, front) = (try place(&g, 1), try place(&g, -3), try place(&g, 0))
    g.nodes = [
      node("SplitToSequence", [x], [rows], [.int("axis", 0), .int("keepdims", keeps)]),
      node("SequenceAt", [rows, one], [first]), node("SequenceAt", [rows, back], [last]),
      node("SequenceInsert", [rows, z, front], [more]),
      node("SequenceErase", [more, one], [fewer]),
      node(
        "ConcatFromSequence", [fewer], [joined], [.int("axis", 0), .int("new_axis", 1 - keeps)]),
      node("Mul", [first, last], [product]), node("Mul", [joined, joined], [square]),
      node("Add", [square, product], [y]),
    ]
    try checkGradient(
      g, y: y, [("x", try values([3, 2])), ("z", try values(keeps == 1 ? [1, 2] : [2], 1))])
  }

  /// Elements of different sizes through a graph that captures a value and shares another.
  @Test func throughAMap() throws {
    var body = Graph()
    let element = body.addInput("element", Fact(.float64, nil))
    let other = body.addInput("other", Fact(.float64, [2]))
    let w = body.addValue("w_in", Fact(.float64, [2]))
    body.captures = [w]
    let (product, sum, after) = (blank(&body), blank(&body), blank(&body, "after"))
    body.nodes = [
      .init(type: "Mul", inputs: [element, w], outputs: [product]),
      .init(type: "Add", inputs: [product, other], outputs: [sum]),
      .init(type: "Tanh", inputs: [sum], outputs: [after]),
    ]
    body.outputs = [after]
    var g = Graph()
    let a = g.addInput("a", Fact(.float64, [1, 2]))
    let b = g.addInput("b", Fact(.float64, [3, 2]))
    let shared = g.addInput("shared", Fact(.float64, [2]))
    let weight = g.addInput("w", Fact(.float64, [2]))
    let (list, mapped, y) = (blank(&g), blank(&g), blank(&g, "y"))
    g.nodes = [
      node("SequenceConstruct", [a, b], [list]),
      node("SequenceMap", [list, shared], [mapped], [.graph("body", body)], captured: [weight]),
      node("ConcatFromSequence", [mapped], [y], [.int("axis", 0)]),
    ]
    try checkGradient(
      g, y: y,
      [
        ("a", try values([1, 2])), ("b", try values([3, 2], 1)), ("shared", try values([2], 2)),
        ("w", try values([2], 4)),
      ])
  }

  @Test func throughAnOptional() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float64, [3]))
    let (maybe, there, y) = (blank(&g), blank(&g), blank(&g, "y"))
    g.nodes = [
      node("Optional", [x], [maybe]), node("OptionalGetElement", [maybe], [there]),
      node("Mul", [there, there], [y]),
    ]
    try checkGradient(g, y: y, [("x", try values([3]))])
  }

  /// Scores get a captured bias, probabilities are squared.
  @Test func throughTheGraphsOfAttention() throws {
    func mod(_ type: String, captures: Bool) -> Graph {
      var body = Graph()
      let x = body.addInput("x_in", Fact(.float64, nil))
      let y = blank(&body, "x_out")
      var second = x
      if captures {
        second = body.addValue("bias_in", Fact(.float64, nil))
        body.captures = [second]
      }
      body.nodes = [.init(type: type, inputs: [x, second], outputs: [y])]
      body.outputs = [y]
      return body
    }
    var g = Graph()
    let q = g.addInput("q", Fact(.float64, [1, 2, 2, 3]))
    let k = g.addInput("k", Fact(.float64, [1, 1, 3, 3]))
    let v = g.addInput("v", Fact(.float64, [1, 1, 3, 2]))
    let bias = g.addInput("bias", Fact(.float64, [2, 2, 3]))
    let y = blank(&g, "y")
    var attention = node(
      "FlexAttention", [q, k, v], [y],
      [
        .graph("score_mod", mod("Add", captures: true)),
        .graph("prob_mod", mod("Mul", captures: false)),
      ], captured: [bias])
    attention.domain = "ai.onnx.preview"
    g.nodes = [attention]
    try checkGradient(
      g, y: y,
      [
        ("q", try values([1, 2, 2, 3])), ("k", try values([1, 1, 3, 3], 1)),
        ("v", try values([1, 1, 3, 2], 2)), ("bias", try values([2, 2, 3], 3)),
      ])
  }
}
