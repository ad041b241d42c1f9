import DLRun
import Operators
import Testing

/// Loop and Scan, bodies bound to memory and bodies that run on values.
@Suite struct LoopTests {
  /// The body of a Loop under construction: iteration number and condition are there.
  private struct Body {
    var g = Graph()
    let number: ValueID
    let condition: ValueID
    init() {
      number = g.addInput("i", Fact(.int64, []))
      condition = g.addInput("go", Fact(.bool, []))
    }
    mutating func add(
      _ type: String, _ inputs: [ValueID?], _ attributes: [Attribute] = []
    ) -> ValueID {
      let y = g.addValue("", Fact(nil, nil))
      g.nodes.append(.init(type: type, attributes: attributes, inputs: inputs, outputs: [y]))
      return y
    }
  }
  /// A model that is one Loop with these carried inputs.
  private func loop(
    _ body: Graph, trips: Int64?, carried: [Tensor], outputs: Int
  ) throws -> [Tensor?] {
    var g = Graph()
    let m = try trips.map { g.addInitializer("m", try Tensor(scalar: $0)) }
    let xs = carried.enumerated().map { (k, t) in g.addInput("x\(k)", Fact(t.dtype, nil)) }
    let ys = (0..<outputs).map { g.addValue("y\($0)", Fact(nil, nil)) }
    g.nodes = [
      .init(
        type: "Loop", attributes: [.graph("body", body)], inputs: [m, nil] + xs, outputs: ys)
    ]
    g.outputs = ys
    var model = Model(g)
    model.opsets = [("", 21)]
    var inputs: [String: Tensor] = [:]
    for (k, t) in carried.enumerated() { inputs["x\(k)"] = t }
    let out = try Session(model).run(inputs)
    return (0..<outputs).map { out[$0] }
  }
  private func ints(_ t: Tensor?) -> [Int64] { t.map { Array($0.elements(Int64.self)) } ?? [] }

  @Test func valuesChangePlaces() throws {
    var b = Body()
    let x = b.g.addInput("a", Fact(.int64, []))
    let y = b.g.addInput("b", Fact(.int64, []))
    let sum = b.add("Add", [x, y])
    // Fibonacci: the next a is the old b; the sum is carried and collected as well.
    b.g.outputs = [b.condition, y, sum, sum, b.number]
    let out = try loop(
      b.g, trips: 10, carried: [Tensor(scalar: 0 as Int64), Tensor(scalar: 1 as Int64)], outputs: 4)
    #expect(ints(out[0]) == [55])
    #expect(ints(out[1]) == [89])
    #expect(ints(out[2]) == [1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
    #expect(ints(out[3]) == Array(0..<10))
  }

  @Test func conditionEndsIt() throws {
    var b = Body()
    let x = b.g.addInput("a", Fact(.int64, [1]))
    let constant = b.g.addInput("c", Fact(.int64, [1]))
    let limit = b.g.addInitializer("limit", try Tensor([100] as [Int64]))
    let y = b.add("Mul", [x, constant])
    let less = b.add("Less", [y, limit])
    let go = b.add("Squeeze", [less])
    b.g.outputs = [go, y, constant, y]
    let out = try loop(
      b.g, trips: nil, carried: [Tensor([1] as [Int64]), Tensor([3] as [Int64])], outputs: 3)
    #expect(ints(out[0]) == [243])
    #expect(ints(out[1]) == [3])
    #expect(ints(out[2]) == [3, 9, 27, 81, 243])
    #expect(out[2]?.shape == [5, 1])
  }

  @Test func growingValuesRunOnValues() throws {
    var b = Body()
    let x = b.g.addInput("a", Fact(.int64, nil))
    let axis = b.g.addInitializer("axis", try Tensor([0] as [Int64]))
    let one = b.add("Unsqueeze", [b.number, axis])
    let y = b.add("Concat", [x, one], [.int("axis", 0)])
    b.g.outputs = [b.condition, y]
    let out = try loop(b.g, trips: 4, carried: [Tensor([7] as [Int64])], outputs: 1)
    #expect(ints(out[0]) == [7, 0, 1, 2, 3])
  }

  @Test func manyIterationsAndNone() throws {
    var b = Body()
    let x = b.g.addInput("a", Fact(.int64, []))
    let y = b.add("Add", [x, b.number])
    b.g.outputs = [b.condition, y, b.condition]
    let many = try loop(b.g, trips: 1000, carried: [Tensor(scalar: 0 as Int64)], outputs: 2)
    #expect(ints(many[0]) == [499_500])
    #expect(many[1]?.shape == [1000])
    let none = try loop(b.g, trips: 0, carried: [Tensor(scalar: 5 as Int64)], outputs: 1)
    #expect(ints(none[0]) == [5])
  }

  @Test func errorsNameTheInnerNode() throws {
    var b = Body()
    let x = b.g.addInput("a", Fact(.int64, [2]))
    let y = b.add("Gather", [x, b.number])
    b.g.nodes[0].name = "pick"
    b.g.outputs = [b.condition, x, y]
    do {
      _ = try loop(b.g, trips: 3, carried: [Tensor([1, 2] as [Int64])], outputs: 2)
      Issue.record("index 2 of 2 was accepted")
    } catch let error as EngineError { #expect("\(error)".contains("pick")) }
  }

  @Test func scanReadsAndWritesAlongAnyAxis() throws {
    var body = Graph()
    let sum = body.addInput("sum", Fact(.int64, [2]))
    let x = body.addInput("x", Fact(.int64, [2]))
    let z = body.addInput("z", Fact(.int64, []))
    let y = body.addValue("", Fact(nil, nil))
    let w = body.addValue("", Fact(nil, nil))
    body.nodes = [
      .init(type: "Add", inputs: [sum, x], outputs: [y]),
      .init(type: "Mul", inputs: [x, z], outputs: [w]),
    ]
    body.outputs = [y, y, w]
    var g = Graph()
    let s = g.addInput("s", Fact(.int64, [2]))
    let a = g.addInput("a", Fact(.int64, [2, 3]))
    let b = g.addInput("b", Fact(.int64, [3]))
    let outs = (0..<3).map { g.addValue("y\($0)", Fact(nil, nil)) }
    g.nodes = [
      .init(
        type: "Scan",
        attributes: [
          .graph("body", body), .int("num_scan_inputs", 2), .ints("scan_input_axes", [1, 0]),
          .ints("scan_input_directions", [0, 1]), .ints("scan_output_axes", [1, 0]),
          .ints("scan_output_directions", [0, 1]),
        ],
        inputs: [s, a, b], outputs: outs)
    ]
    g.outputs = outs
    var model = Model(g)
    model.opsets = [("", 21)]
    let out = try Session(model).run([
      "s": Tensor([10, 20] as [Int64]),
      "a": Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Int64]), "b": Tensor([1, 2, 3] as [Int64]),
    ])
    #expect(ints(out[0]) == [16, 35])
    // Sums side by side: columns are steps.
    #expect(ints(out[1]) == [11, 13, 16, 24, 29, 35])
    // Products of column k with b backwards, the last first.
    #expect(ints(out[2]) == [3, 6, 4, 10, 3, 12])
    #expect(out[2]?.shape == [3, 2])
  }
}
