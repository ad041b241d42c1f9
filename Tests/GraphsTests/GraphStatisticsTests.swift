import Graphs
import Tensors
import Testing

@Suite struct GraphStatisticsTests {
  @Test func counts() throws {
    var g = try GraphTextTests.sample()
    g.nodes[0].op = TestAdd()
    let s = GraphStatistics(g)
    #expect(s.operators.map { "\($0.name) \($0.count)" } == ["test.TestAdd 2", "test.TestIf 1"])
    #expect(s.parameterCount == 2)
    #expect(s.parameterBytes == 8)
    #expect(s.nodes.map(\.depth) == [0, 0, 1])
    #expect(s.nodes[0].parameterCount == 2)
    #expect(s.hasSubgraphs)
    // Nodes without an operator may multiply.
    #expect(s.uncountedNodes == 2)
    #expect(s.multiplyAdds == 0)
  }
}
