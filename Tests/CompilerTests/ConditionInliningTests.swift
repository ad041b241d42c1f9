import Graphs
import Operators
import Tensors
import Testing

@Suite struct ConditionInliningTests {
  /// An If whose branches are `exp(x) + 1` and `x`.
  private func choice(_ b: GraphBuilder, _ condition: ValueID, _ x: ValueID) throws -> ValueID {
    let then = GraphBuilder()
    let inner = then.graph.addValue("inner", Fact(.float32, [2, 3]))
    then.graph.captures = [inner]
    let one = try then.constant(Tensor(scalar: 1 as Float))
    then.graph.outputs = [try then.apply(Add(), try then.apply(Exp(), inner), one)]
    let otherwise = GraphBuilder()
    let same = otherwise.graph.addValue("same", Fact(.float32, [2, 3]))
    otherwise.graph.captures = [same]
    otherwise.graph.outputs = [try otherwise.apply(Identity(), same)]
    let result = b.graph.addValue("", Fact(.float32, [2, 3]))
    var node = Graph.Node(
      type: "If",
      attributes: [
        .graph("then_branch", then.graph), .graph("else_branch", otherwise.graph),
      ], inputs: [condition], outputs: [result])
    node.captured = [x, x]
    b.graph.nodes.append(node)
    return result
  }

  @Test func theBranchTakenStays() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let yes = try b.constant(Tensor(scalar: true))
      return [try b.apply(Neg(), try choice(b, yes, x[0]))]
    }
    #expect(check.after == ["Exp", "Add", "Neg"])
    #expect(check.error == 0)
  }

  @Test func anOutputThatIsAnInputKeepsItsName() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      [try choice(b, try b.constant(Tensor(scalar: false)), x[0])]
    }
    #expect(check.after == ["Identity"])
    #expect(check.error == 0)
  }

  @Test func anOpenConditionStays() throws {
    let check = try PassCheck([ramp([2, 3]), Tensor(scalar: true)], level: .basic) { b, x in
      [try choice(b, x[1], x[0])]
    }
    #expect(check.after == ["If"])
  }
}
