import DLRun
import Operators
import Testing

/// Gradients through If, Loop and Scan, against central differences of whole sessions in float64.
@Suite struct ControlGradientTests {
  private let x = [0.3, -0.7, 1.1]

  @Test(arguments: [true, false]) func throughEitherBranch(_ condition: Bool) throws {
    var g = Graph()
    let c = g.addInput("c", Fact(.bool, []))
    let a = g.addInput("a", Fact(.float64, [3]))
    let w = g.addInput("w", Fact(.float64, [3]))
    func branch(_ type: String, _ count: Int) -> Graph {
      var body = Graph()
      var captures: [ValueID] = []
      for i in 0..<count { captures.append(body.addValue("c\(i)", Fact(.float64, [3]))) }
      body.captures = captures
      let product = body.addValue("p", Fact(nil, nil))
      let result = body.addValue("r", Fact(nil, nil))
      let second = count > 1 ? captures[1] : captures[0]
      body.nodes = [
        .init(type: type, inputs: [captures[0], second], outputs: [product]),
        .init(type: "Tanh", inputs: [product], outputs: [result]),
      ]
      body.outputs = [result]
      return body
    }
    let y = g.addValue("y", Fact(nil, nil))
    g.nodes = [
      node(
        "If", [c], [y],
        [.graph("then_branch", branch("Mul", 2)), .graph("else_branch", branch("Add", 1))],
        captured: [a, w, w])
    ]
    try checkGradient(
      g, y: y,
      [
        ("c", Tensor(scalar: condition)), ("a", Tensor(x)), ("w", Tensor([1.5, 0.5, -2])),
      ])
  }

  /// `h = tanh(w h + i)` and what it was squared, five times.
  @Test func throughALoop() throws {
    var body = Graph()
    let i = body.addInput("i", Fact(.int64, []))
    let go = body.addInput("go", Fact(.bool, []))
    let h = body.addInput("h", Fact(.float64, [3]))
    let w = body.addValue("w_in", Fact(.float64, [3]))
    body.captures = [w]
    func value(_ name: String) -> ValueID { body.addValue(name, Fact(nil, nil)) }
    let (next, product, sum) = (value("go_on"), value("product"), value("sum"))
    let (number, after, square) = (value("number"), value("after"), value("square"))
    body.nodes = [
      .init(type: "Identity", inputs: [go], outputs: [next]),
      .init(type: "Mul", inputs: [h, w], outputs: [product]),
      .init(type: "CastLike", inputs: [i, h], outputs: [number]),
      .init(type: "Add", inputs: [product, number], outputs: [sum]),
      .init(type: "Tanh", inputs: [sum], outputs: [after]),
      .init(type: "Mul", inputs: [h, h], outputs: [square]),
    ]
    body.outputs = [next, after, square]
    var g = Graph()
    let first = g.addInput("h0", Fact(.float64, [3]))
    let weight = g.addInput("w", Fact(.float64, [3]))
    let count = g.addInitializer("count", try Tensor(scalar: Int64(5)))
    let last = g.addValue("last", Fact(nil, nil))
    let all = g.addValue("all", Fact(nil, nil))
    let y = g.addValue("y", Fact(nil, nil))
    let total = g.addValue("total", Fact(nil, nil))
    g.nodes = [
      node("Loop", [count, nil, first], [last, all], [.graph("body", body)], captured: [weight]),
      node("ReduceSum", [all], [total]), node("Add", [last, total], [y]),
    ]
    try checkGradient(g, y: y, [("h0", Tensor(x)), ("w", Tensor([1.5, 0.5, -2]))])
  }

  /// A state and a slice of each of two inputs a step, one of them backwards and along axis 1.
  @Test func throughAScan() throws {
    var body = Graph()
    let s = body.addInput("s", Fact(.float64, [3]))
    let a = body.addInput("a_slice", Fact(.float64, [3]))
    let b = body.addInput("b_slice", Fact(.float64, [3]))
    let w = body.addValue("w_in", Fact(.float64, [3]))
    body.captures = [w]
    func value(_ name: String) -> ValueID { body.addValue(name, Fact(nil, nil)) }
    let (product, sum, after, out) = (value("product"), value("sum"), value("after"), value("out"))
    body.nodes = [
      .init(type: "Mul", inputs: [s, w], outputs: [product]),
      .init(type: "Add", inputs: [product, a], outputs: [sum]),
      .init(type: "Tanh", inputs: [sum], outputs: [after]),
      .init(type: "Mul", inputs: [after, b], outputs: [out]),
    ]
    body.outputs = [after, out]
    var g = Graph()
    let first = g.addInput("s0", Fact(.float64, [3]))
    let left = g.addInput("a", Fact(.float64, [2, 3]))
    let right = g.addInput("b", Fact(.float64, [3, 2]))
    let weight = g.addInput("w", Fact(.float64, [3]))
    let last = g.addValue("last", Fact(nil, nil))
    let all = g.addValue("all", Fact(nil, nil))
    let factor = g.addInitializer(
      "factor", try Tensor(shape: [3, 2], [1, 2, 3, 4, 5, 6] as [Double]))
    let weighed = g.addValue("weighed", Fact(nil, nil))
    let total = g.addValue("total", Fact(nil, nil))
    let y = g.addValue("y", Fact(nil, nil))
    g.nodes = [
      node(
        "Scan", [first, left, right], [last, all],
        [
          .graph("body", body), .int("num_scan_inputs", 2), .ints("scan_input_axes", [0, 1]),
          .ints("scan_input_directions", [0, 1]), .ints("scan_output_axes", [1]),
          .ints("scan_output_directions", [1]),
        ], captured: [weight]),
      node("Mul", [all, factor], [weighed]), node("ReduceSum", [weighed], [total]),
      node("Add", [last, total], [y]),
    ]
    try checkGradient(
      g, y: y,
      [
        ("s0", Tensor(x)),
        ("a", Tensor(shape: [2, 3], [0.1, 0.5, -0.3, 0.7, -0.2, 0.4] as [Double])),
        ("b", Tensor(shape: [3, 2], [1, -0.5, 0.25, 2, -1.5, 0.75] as [Double])),
        ("w", Tensor([1.5, 0.5, -2])),
      ])
  }
}
