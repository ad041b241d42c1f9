import Graphs
import Tensors
import Testing

@testable import Graphs

@Suite struct GraphDrawingTests {
  @Test func dotQuotesEverything() throws {
    var g = try GraphTextTests.sample()
    g.values[0].name = "a\"\\N\n;}"
    let dot = g.dot()
    #expect(dot.hasPrefix("digraph \"main\" {"))
    #expect(dot.contains("label=\"a\\\"\\\\N\\n;}\\nfloat32[N, 2]\""))
    #expect(dot.contains("subgraph cluster_n3_0_"))
    // The name brings a closing brace of its own.
    #expect(dot.filter { $0 == "{" }.count + 1 == dot.filter { $0 == "}" }.count)
  }

  @Test func svgEscapesEverything() throws {
    var g = try GraphTextTests.sample()
    g.values[0].name = "<script>alert('x')&\"\u{1}"
    let svg = g.svg()
    #expect(!svg.contains("<script>"))
    #expect(svg.contains("&lt;script&gt;alert(&#39;x&#39;)&amp;&quot;\u{FFFD}"))
    #expect(svg.hasPrefix("<svg") && svg.hasSuffix("</svg>\n"))
    #expect(svg == g.svg())
  }

  @Test func familiesHaveColours() throws {
    let g = try GraphTextTests.sample()
    let svg = g.svg(DrawingOptions { $0.type == "TestAdd" ? 1 : nil })
    #expect(svg.contains(GraphDrawing.palette[1]))
    #expect(!svg.contains(GraphDrawing.palette[0]))
  }

  @Test func ranksAndGaps() throws {
    let size = LayeredLayout.Size(width: 60, height: 30)
    // A diamond with a long edge beside it and a constant that feeds the end.
    let edges = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 4), (3, 4), (5, 6), (4, 6)]
      .map { (from: $0.0, to: $0.1) }
    let layout = LayeredLayout(sizes: [LayeredLayout.Size](repeating: size, count: 7), edges: edges)
    for (k, e) in edges.enumerated() {
      #expect(layout.tops[e.from].y < layout.tops[e.to].y)
      let path = layout.paths[k]
      #expect(path.first.map { $0.y } == layout.tops[e.from].y + 30)
      #expect(path.last.map { $0.y } == layout.tops[e.to].y)
    }
    #expect(layout.tops[1].y == layout.tops[2].y)
    #expect(layout.tops[5].y == layout.tops[4].y)
    for i in 0..<7 {
      #expect(layout.tops[i].x >= 30 && layout.tops[i].x <= layout.width - 30)
      for j in 0..<i where layout.tops[i].y == layout.tops[j].y {
        #expect(abs(layout.tops[i].x - layout.tops[j].x) >= 60 + LayeredLayout.gap - 1e-9)
      }
    }
    #expect(LayeredLayout(sizes: [], edges: []).height == 0)
  }

  @Test func residualNetworksAreQuick() throws {
    var g = Graph()
    var x = g.addInput("x", Fact(.float32, [1, 64, 56, 56]))
    for i in 0..<170 {
      let a = g.add("TestAdd", [x, x], output: "a\(i)")
      let b = g.add("TestAdd", [a, a], output: "b\(i)")
      x = g.add("TestAdd", [b, x], output: "c\(i)")
    }
    g.outputs = [x]
    let clock = ContinuousClock()
    let svg = g.svg()
    let time = clock.measure { _ = g.svg() }
    #expect(svg.utf8.count > 100_000)
    #expect(time < .seconds(10), "\(time)")
  }
}
