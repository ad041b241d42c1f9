import Graphs
import Operators
import Tensors
import Testing

@Suite struct GraphEditorTests {
  /// A rewrite that makes nodes wait for each other ends in an error, not in an endless loop.
  @Test func aRingOfNodesIsAnError() throws {
    let b = GraphBuilder()
    let x = b.graph.addInput("x", Fact(.float32, [4]))
    let first = try b.apply(Add(), x, x)
    let second = try b.apply(Relu(), first)
    b.graph.values[second.index].name = "y"
    b.graph.outputs = [second]
    let lookup = OperatorSet.builtIn.lookup(opsets: [("", 21)])
    let editor = GraphEditor(b.graph, using: lookup)
    editor.setInput(0, 1, to: second)
    #expect(editor.orderedNodes().sorted() == [0, 1])
    let broken = editor.finish()
    #expect(throws: EngineError.self) { try broken.verify(using: lookup) }
  }
}
