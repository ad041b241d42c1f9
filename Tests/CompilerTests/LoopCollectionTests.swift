import Graphs
import Operators
import Tensors
import Testing

/// Values that a Loop only carries to add to them become scan outputs.
@Suite struct LoopCollectionTests {
  /// 40 iterations of `h = tanh(h x)` that end where `last` says; `grow` makes the second carried
  /// value out of the one before and h.
  private func loop(
    _ b: GraphBuilder, _ x: ValueID, from initial: ValueID, _ fact: Fact, last: Int64 = 40,
    isOpen: Bool = false, _ grow: (GraphBuilder, ValueID, ValueID) throws -> ValueID
  ) throws -> [ValueID] {
    let body = GraphBuilder()
    let k = body.graph.addInput("k", Fact(.int64, []))
    _ = body.graph.addInput("c", Fact(.bool, []))
    let h = body.graph.addInput("h", Fact(.float32, isOpen ? nil : [2, 3]))
    let all = body.graph.addInput("all", fact)
    let outer = body.graph.addValue("outer", Fact(.float32, [2, 3]))
    body.graph.captures = [outer]
    let next = try body.apply(Tanh(), body.apply(Mul(), h, outer))
    let goesOn = try body.apply(Less(), k, body.constant(Tensor(scalar: last - 1)))
    body.graph.outputs = [goesOn, next, try grow(body, all, next)]
    let results = body.graph.outputs.dropFirst().map { _ in
      b.graph.addValue("", Fact(.float32, nil))
    }
    let limit = try b.constant(Tensor(scalar: 40 as Int64))
    var node = Graph.Node(
      type: "Loop", attributes: [.graph("body", body.graph)], inputs: [limit, nil, x, initial],
      outputs: results)
    node.captured = [x]
    b.graph.nodes.append(node)
    return results
  }

  @Test(arguments: [0, 1, -1]) func joinsBecomeScans(axis: Int) throws {
    for isEmpty in [true, false] {
      for last in [1, 17] as [Int64] {
        let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
          var sizes = [2, 3]
          sizes[axis < 0 ? axis + 2 : axis] = isEmpty ? 0 : 2
          let first = try b.constant(ramp(Shape(sizes), seed: 4))
          let results = try loop(
            b, x[0], from: first, Fact(.float32, nil), last: last
          ) { body, all, h in try body.apply(Concat(axis: axis), all, h) }
          return [results[0], results[1]]
        }
        #expect(check.error < 1e-6)
        #expect(check.after.contains("Reshape"), "axis \(axis)")
        #expect(check.after.contains("Concat") == !isEmpty)
      }
    }
  }

  @Test(arguments: [(0, true), (1, true), (-1, true), (0, false), (1, false)])
  func sequencesBecomeScans(axis: Int, stacks: Bool) throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let none = b.graph.addValue("", Fact(.sequence(.tensor(.float32, nil))))
      b.graph.nodes.append(Graph.Node(type: "SequenceEmpty", inputs: [], outputs: [none]))
      let results = try loop(
        b, x[0], from: none, Fact(.sequence(.tensor(.float32, nil)))
      ) { body, all, h in try body.apply(SequenceInsert(), all, h) }
      return [
        results[0], try b.apply(ConcatFromSequence(axis: axis, stacks: stacks), results[1]),
      ]
    }
    #expect(check.error < 1e-6)
    #expect(!check.after.contains("ConcatFromSequence") && !check.after.contains("SequenceEmpty"))
  }

  /// Outputs that nobody takes may be missing at the end of a node's.
  @Test func missingOutputsStayMissing() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let first = try b.constant(ramp([1, 3], seed: 4))
      let results = try loop(b, x[0], from: first, Fact(.float32, nil)) { body, all, h in
        try body.apply(Concat(axis: 0), all, h)
      }
      b.graph.nodes[b.graph.nodes.count - 1].outputs = [results[0]]
      return [results[0]]
    }
    #expect(check.after == ["Loop"])
    #expect(check.error < 1e-6)
  }

  /// What the body reads, or adds to in front, is carried as before.
  @Test func whatIsReadStays() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let first = try b.constant(ramp([1, 3], seed: 4))
      let front = try loop(b, x[0], from: first, Fact(.float32, nil)) { body, all, h in
        try body.apply(Concat(axis: 0), h, all)
      }
      let summed = try loop(b, x[0], from: x[0], Fact(.float32, [2, 3])) { body, all, h in
        try body.apply(Add(), all, h)
      }
      return [front[1], summed[1]]
    }
    #expect(check.after == ["Loop", "Loop"])
    #expect(check.error < 1e-6)
  }

  /// Sizes that are carried stay those of the beginning where each iteration keeps them: the parts
  /// that this one joins have such sizes.
  @Test func partsOfCarriedSizesAreCollected() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let first = try b.constant(ramp([0, 3], seed: 4))
      let results = try loop(b, x[0], from: first, Fact(.float32, nil), isOpen: true) {
        body, all, h in try body.apply(Concat(axis: 0), all, body.apply(Neg(), h))
      }
      return [results[0], results[1]]
    }
    #expect(check.after.contains("Reshape") && !check.after.contains("Concat"))
    #expect(check.error < 1e-6)
  }

  /// An If of a few comparisons becomes a Where of both results.
  @Test func smallConditionsAreChoices() throws {
    for wanted in [false, true] {
      let check = try PassCheck(
        [try Tensor(scalar: wanted), try Tensor(shape: [1], [3 as Float])], level: .basic
      ) { b, x in
        func branch(_ make: (GraphBuilder, ValueID) throws -> ValueID) throws -> Graph {
          let inner = GraphBuilder()
          let v = inner.graph.addValue("v", Fact(.float32, [1]))
          inner.graph.captures = [v]
          inner.graph.outputs = [try make(inner, v)]
          return inner.graph
        }
        let limit = try Tensor(shape: [1], [2 as Float])
        let then = try branch { try $0.apply(Less(), $1, $0.constant(limit)) }
        let other = try branch {
          try $0.apply(Not(), $0.apply(Equal(), $1, $0.constant(limit)))
        }
        let y = b.graph.addValue("", Fact(.bool, [1]))
        var node = Graph.Node(
          type: "If", attributes: [.graph("then_branch", then), .graph("else_branch", other)],
          inputs: [x[0]], outputs: [y])
        node.captured = [x[1], x[1]]
        b.graph.nodes.append(node)
        return [try b.apply(Identity(), y)]
      }
      #expect(check.after.contains("Where") && !check.after.contains("If"))
      #expect(check.error == 0)
    }
  }
}
