import Graphs
import Operators
import Tensors
import Testing

/// What operators meant in opsets 1 to 6, by hand: onnx's reference evaluator knows few of them.
@Suite struct OldVersionsTests {
  private func run(
    _ name: String, _ opset: Int, _ attributes: [Attribute] = [], _ inputs: [Tensor],
    outputs: Int = 1
  ) throws -> [Tensor] {
    let n = inputs.count
    let node = Graph.Node(
      type: name, attributes: attributes, inputs: (0..<n).map { ValueID($0) },
      outputs: (0..<outputs).map { ValueID(n + $0) })
    let op = try Registry.make(node, opset: opset)
    return try Eager().evaluate(op, inputs.map { .tensor($0) }, outputs: outputs, runner: nil)
      .map { try #require($0).asTensor() }
  }

  private func code(
    _ name: String, _ opset: Int, _ attributes: [Attribute] = [], _ inputs: [Tensor]
  ) -> EngineError.Code? {
    do {
      _ = try run(name, opset, attributes, inputs)
      return nil
    } catch { return (error as? EngineError)?.code }
  }

  private func floats(_ shape: Shape, _ v: [Float]) throws -> Tensor { try Tensor(shape: shape, v) }

  private let cube: [Float] = (0..<12).map { Float($0) }

  @Test func secondInputStandsAtTheAxis() throws {
    let a = try floats([2, 3, 2], cube)
    for opset in [1, 6] {
      // [3] along axis 1.
      let middle = try run(
        "Add", opset, [.bool("broadcast", true), .int("axis", 1)],
        [a, try Tensor([10, 20, 30] as [Float])])[0]
      #expect(middle.shape.array == [2, 3, 2])
      #expect(
        Array(middle.elements(Float.self)) == [10, 11, 22, 23, 34, 35, 16, 17, 28, 29, 40, 41])
      // [2, 3] along axes 0 and 1.
      let front = try run(
        "Sub", opset, [.bool("broadcast", true), .int("axis", 0)],
        [a, try floats([2, 3], [0, 1, 2, 3, 4, 5])])[0]
      #expect(Array(front.elements(Float.self)) == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6])
      // Without an axis the last ones.
      let last = try run(
        "Mul", opset, [.bool("broadcast", true)], [a, try Tensor([1, -1] as [Float])])
      #expect(Array(last[0].elements(Float.self)).prefix(4) == [0, -1, 2, -3])
      // One element goes everywhere, whatever the axis says.
      let one = try run(
        "Pow", opset, [.bool("broadcast", true), .int("axis", 2)],
        [a, try floats([1], [2])])[0]
      #expect(Array(one.elements(Float.self)).prefix(4) == [0, 1, 4, 9])
    }
    let negative = try run(
      "Greater", 1, [.bool("broadcast", true), .int("axis", -2)],
      [a, try Tensor([1, 1, 9] as [Float])])[0]
    #expect(
      Array(negative.elements(Bool.self)) == [
        false, false, true, true, false, false, true, true, true, true, true, true,
      ])
    let flags = try Tensor(shape: [2, 2], [true, false, true, true])
    let both = try run(
      "And", 1, [.bool("broadcast", true), .int("axis", 0)],
      [flags, try Tensor([true, false] as [Bool])])[0]
    #expect(Array(both.elements(Bool.self)) == [true, false, false, false])
  }

  @Test func onlyTheSecondBroadcastsAndOnlyWhenAsked() throws {
    let a = try floats([2, 3, 2], cube)
    let row = try Tensor([1, 2] as [Float])
    #expect(code("Add", 6, [], [a, row]) == .shape)
    #expect(code("Add", 7, [], [a, row]) == nil)
    #expect(code("Add", 6, [.bool("broadcast", true)], [row, a]) == .shape)
    #expect(code("Add", 6, [.bool("broadcast", true), .int("axis", 2)], [a, a]) == .shape)
    #expect(code("Add", 6, [.bool("broadcast", true), .int("axis", 3)], [a, row]) == .attribute)
    #expect(code("Add", 6, [], [a, a]) == nil)
    #expect(code("Add", 7, [.bool("broadcast", true)], [a, a]) == .attribute)
    #expect(code("Add", 6, [.ints("consumed_inputs", [0, 0])], [a, a]) == .attribute)
    #expect(code("Add", 5, [.ints("consumed_inputs", [0, 0])], [a, a]) == nil)
  }

  @Test func alignedBroadcastHasItsGradient() throws {
    let a = try floats([2, 3], [1.5, 0.75, 0.25, 2, 1.25, 0.5])
    let column = try Tensor([0.5, 3] as [Float])
    let form = BroadcastForm.second(axis: 0)
    for op: any Operator in [
      Add(form: form), Sub(form: form), Mul(form: form), Div(form: form), Pow(form: form),
    ] {
      #expect(try GradientCheck(Schema.Case(op, [a, column])).failures() == [], "\(op)")
    }
    let x = try floats([2, 2, 2], [1, -2, 3, -4, 5, -6, 7, -8])
    let slopes = try Tensor([0.1, 0.2] as [Float])
    let slope = Schema.Case(PRelu(form: .second(axis: 1)), [x, slopes])
    #expect(try GradientCheck(slope).failures() == [])
  }

  @Test func slopesBelongToChannels() throws {
    let x = try floats([1, 2, 2], [-1, -2, -3, 4])
    let y = try run("PRelu", 6, [], [x, try Tensor([0.5, 2] as [Float])])[0]
    #expect(Array(y.elements(Float.self)) == [-0.5, -1, -6, 4])
    let all = try run("PRelu", 1, [], [x, try Tensor([0.5] as [Float])])[0]
    #expect(Array(all.elements(Float.self)) == [-0.5, -1, -1.5, 4])
    // Since opset 7 a slope stands at the last axis.
    let new = try run("PRelu", 7, [], [x, try Tensor([0.5, 2] as [Float])])[0]
    #expect(Array(new.elements(Float.self)) == [-0.5, -4, -1.5, 4])
  }

  @Test func sizesThatWereAttributesOrFloats() throws {
    let x = try floats([2, 3], [1, 2, 3, 4, 5, 6])
    #expect(try run("Reshape", 1, [.ints("shape", [0, -1, 1])], [x])[0].shape.array == [2, 3, 1])
    #expect(code("Reshape", 1, [], [x]) == .attribute)
    #expect(code("Reshape", 5, [], [x]) == .arity)
    let tiled = try run(
      "Tile", 1, [], [x, try Tensor([2] as [Float]), try Tensor([1] as [Float])])[0]
    #expect(tiled.shape.array == [2, 6])
    #expect(Array(tiled.elements(Float.self)).prefix(6) == [1, 2, 3, 1, 2, 3])
    #expect(
      code("Tile", 1, [], [x, try Tensor([1.5] as [Float]), try Tensor([1] as [Float])]) == .value)
    let parts = try run(
      "Split", 1, [.int("axis", 1)], [x, try Tensor([1, 2] as [Float])], outputs: 2)
    #expect(Array(parts[1].elements(Float.self)) == [2, 3, 5, 6])
    let padded = try run("Pad", 1, [.ints("paddings", [0, 1, 0, 0]), .float("value", 9)], [x])[0]
    #expect(Array(padded.elements(Float.self)) == [9, 1, 2, 3, 9, 4, 5, 6])
    #expect(try run("Concat", 1, [], [x, x])[0].shape.array == [2, 6])
    let image = try floats([1, 1, 1, 2], [1, 2])
    let large = try run(
      "Upsample", 1, [.float("height_scale", 2), .float("width_scale", 3)], [image])[0]
    #expect(large.shape.array == [1, 1, 2, 6])
    #expect(Array(large.elements(Float.self)).prefix(6) == [1, 1, 1, 2, 2, 2])
  }

  @Test func castNamesItsTarget() throws {
    let x = try Tensor([1.5, -2.25] as [Float])
    let cases: [(String, DType)] = [
      ("FLOAT", .float32), ("DOUBLE", .float64), ("INT64", .int64), ("BOOL", .bool),
      ("FLOAT16", .float16), ("UINT8", .uint8),
    ]
    for (name, dtype) in cases {
      #expect(try run("Cast", 1, [.string("to", name)], [x])[0].dtype == dtype)
    }
    #expect(code("Cast", 1, [.string("to", "float33")], [x]) == .attribute)
    #expect(code("Cast", 1, [.int("to", 7)], [x]) == .attribute)
    #expect(code("Cast", 6, [.string("to", "INT64")], [x]) == .attribute)
  }

  @Test func defaultsOfOldVersions() throws {
    let x = try Tensor([-Float.infinity, -1, Float.infinity])
    let most = Float.greatestFiniteMagnitude
    #expect(Array(try run("Clip", 6, [], [x])[0].elements(Float.self)) == [-most, -1, most])
    #expect(Array(try run("Clip", 11, [], [x])[0].elements(Float.self)) == [-most, -1, most])
    let one = try Tensor([1] as [Float])
    #expect(try run("Selu", 1, [], [one])[0].elements(Float.self)[0] == 1.0507)
    #expect(try run("Selu", 6, [], [one])[0].elements(Float.self)[0] == 1.05070102214813232421875)
  }

  @Test func normsOfFloatOrder() throws {
    let x = try floats([1, 1, 2, 2], [3, 4, 0, 0])
    let pooled = try run("GlobalLpPool", 1, [.float("p", 2)], [x])[0]
    #expect(Array(pooled.elements(Float.self)) == [5])
    let window = try run("LpPool", 1, [.float("p", 1), .ints("kernel_shape", [1, 2])], [x])[0]
    #expect(Array(window.elements(Float.self)) == [7, 0])
    #expect(code("GlobalLpPool", 1, [.float("p", 1.5)], [x]) == .attribute)
    #expect(code("GlobalLpPool", 2, [.float("p", 2)], [x]) == .attribute)
  }

  @Test func dropoutTrainsUnlessItIsATest() throws {
    let x = try floats([1000], [Float](repeating: 1, count: 1000))
    for opset in [1, 6] {
      let still = try run("Dropout", opset, [.bool("is_test", true)], [x])[0]
      #expect(Array(still.elements(Float.self)) == Array(x.elements(Float.self)))
      let drawn = try run("Dropout", opset, [.float("ratio", 0.75)], [x], outputs: 2)
      let (y, mask) = (drawn[0].elements(Float.self), drawn[1].elements(Float.self))
      for i in 0..<1000 { #expect(y[i] == 4 * mask[i] && (mask[i] == 0 || mask[i] == 1)) }
      let kept = (0..<1000).filter { mask[$0] == 1 }.count
      #expect((150...350).contains(kept))
    }
    let later = try run("Dropout", 7, [.float("ratio", 0.75)], [x])[0]
    #expect(Array(later.elements(Float.self)) == Array(x.elements(Float.self)))
    #expect(code("Dropout", 6, [.float("ratio", 1)], [x]) == .attribute)
  }

  @Test func integersAndTextsOfOldVersions() throws {
    let x = try Tensor([-7, -6, 0, 5, 6] as [Int32])
    #expect(Array(try run("Erf", 9, [], [x])[0].elements(Int32.self)) == [-1, -1, 0, 0, 1])
    let words = try Tensor(shape: [2, 2], strings: ["", "a", "b", ""])
    #expect(Array(try run("NonZero", 9, [], [words])[0].elements(Int64.self)) == [0, 1, 1, 0])
    let columns = try Tensor(shape: [1, 2, 2], strings: ["a", "c", "b", "d"])
    let (image, block) = (try Tensor([4] as [Int64]), try Tensor([2] as [Int64]))
    let text = try run("Col2Im", 18, [.ints("strides", [2])], [columns, image, block])[0]
    #expect(text.strings == ["a", "b", "c", "d"])
    let three = try Tensor([3] as [Int64])
    #expect(code("Col2Im", 18, [], [columns, three, block]) == .value)
    let bits = try Tensor(shape: [1, 2, 2], [true, false, true, false] as [Bool])
    let any = try run("Col2Im", 18, [], [bits, three, block])[0]
    #expect(Array(any.elements(Bool.self)) == [true, true, false])
  }
}
