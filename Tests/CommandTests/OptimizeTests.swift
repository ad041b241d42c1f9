import Compiler
import Formats
import Foundation
import Testing

@Suite struct OptimizeTests {
  private func json(_ text: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  @Test(arguments: ["basic", "all"]) func whatIsSavedRunsAndAgrees(_ level: String) throws {
    try Command.inTemporaryFolder { folder in
      let saved = folder + "/digits.onnx"
      let r = try Command.run([
        "optimize", "Models/digits.onnx", "-o", saved, "--level", level, "--verify",
      ])
      #expect(r.status == 0 && r.error.isEmpty, "\(r.error)")
      let found = ["all together", "no pass changed anything"].contains { r.output.contains($0) }
      #expect(found && r.output.contains("nodes"))
      #expect(try Command.run(["check", saved]).status == 0)
      let compared = try Command.run([
        "compare", "Models/digits.onnx", saved, "--optimize", "none", "--tolerance", "1e-5",
      ])
      #expect(compared.status == 0, "\(compared.output)\(compared.error)")
    }
  }

  @Test func listNamesEveryPassOnce() throws {
    let r = try Command.run(["optimize", "--list", "--json"])
    #expect(r.status == 0)
    let list = try #require(try json(r.output) as? [[String: String]])
    let names = list.compactMap { $0["name"] }
    #expect(names == Optimizer.passes.map { $0.name })
    #expect(Set(names).count == names.count)
    for pass in list {
      for key in ["level", "stage", "looks_for", "makes", "why"] { #expect(pass[key] != nil) }
    }
    let text = try Command.run(["optimize", "--list"]).output
    let lines = text.split(separator: "\n")
    for name in names { #expect(lines.count { $0.hasPrefix(name + "  level ") } == 1, "\(name)") }
    #expect(lines.allSatisfy { $0.count <= 100 })
  }

  @Test func explainSaysSomethingOfEveryNode() throws {
    let path = "Models/digits.onnx"
    let r = try Command.run(["optimize", path, "--explain", "--level", "all", "--json"])
    #expect(r.status == 0, "\(r.error)")
    let object = try #require(try json(r.output) as? [String: Any])
    let nodes = try #require(object["nodes"] as? [[String: Any]])
    let model = try ONNXReader.read(
      contentsOf: Command.root.appendingPathComponent(path).path)
    #expect(nodes.count == model.graph.nodes.count)
    for node in nodes {
      let status = try #require(node["status"] as? String)
      let done = try #require(node["done"] as? [String])
      #expect((status == "rewritten") == !done.isEmpty)
      #expect(["rewritten", "untouched", "unneeded"].contains(status))
      #expect(node["missed"] is [String])
    }
    let text = try Command.run(["optimize", path, "--explain", "--level", "all"]).output
    #expect(text.contains("\(nodes.count) nodes: "))
  }

  @Test func verifyReportsEachPassAsJSON() throws {
    let r = try Command.run([
      "optimize", "Models/digits.onnx", "--verify", "--level", "all", "--json",
    ])
    #expect(r.status == 0, "\(r.error)")
    let object = try #require(try json(r.output) as? [String: Any])
    let passes = try #require(object["passes"] as? [[String: Any]])
    #expect(passes.last?["pass"] as? String == "all together")
    for row in passes { #expect((row["relative"] as? Double).map { $0 <= 1e-4 } == true) }
  }

  @Test func aDifferenceAboveTheToleranceIsANo() throws {
    // Nothing is as near as this asks.
    let r = try Command.run([
      "optimize", "Models/digits.onnx", "--verify", "--level", "all", "--tolerance", "0",
    ])
    let same = try Command.run(["optimize", "Models/iris.pb", "--verify", "--tolerance", "0"])
    #expect(r.status == (r.output.contains("DIFFERS") ? 1 : 0))
    #expect(same.status == (same.output.contains("DIFFERS") ? 1 : 0))
  }

  /// Arguments, exit status, and what the message must hold.
  static let mistakes: [([String], Int32, [String])] = [
    (["optimize"], 64, ["--list"]),
    (["optimize", "Models/iris.pb"], 64, ["-o"]),
    (["optimize", "Models/iris.pb", "-o", "x.onnx", "--level", "none"], 64, ["--level"]),
    (["optimize", "Models/iris.pb", "-o", "x.onnx", "--level", "most"], 64, []),
    (["optimize", "Models/iris.pb", "-o", "x.onnx", "--inputs", "y"], 64, ["--verify"]),
    (["optimize", "Models/iris.pb", "--verify", "--shape", "no=1x4"], 64, ["no"]),
    (["optimize", "no.onnx", "-o", "x.onnx"], 66, ["no.onnx"]),
    (["optimize", "Models/iris.csv", "-o", "x.onnx"], 65, ["iris.csv"]),
    (["optimize", "Models/iris.pb", "-o", "/no/such/folder/x.onnx"], 73, ["/no/such/folder"]),
  ]

  @Test(arguments: mistakes.indices) func mistakesAreExplained(_ i: Int) throws {
    let (arguments, status, words) = Self.mistakes[i]
    let r = try Command.run(arguments)
    #expect(r.status == status, "\(arguments): \(r.error)")
    for w in words { #expect(r.error.contains(w), "\(arguments): \(r.error)") }
  }

  @Test func layersAreTimedWithKernelAndSpeed() throws {
    try Command.inTemporaryFolder { folder in
      let trace = folder + "/trace.json"
      let r = try Command.run([
        "bench", "Models/digits.onnx", "--runs", "3", "--layers", "--json", "--profile", trace,
      ])
      #expect(r.status == 0, "\(r.error)")
      let object = try #require(try json(r.output) as? [String: Any])
      #expect((object["peak_gflops"] as? Double).map { $0 > 0 } == true)
      let layers = try #require(object["layers"] as? [[String: Any]])
      #expect(!layers.isEmpty)
      for layer in layers {
        for key in ["kernel", "layout", "median_ms", "min_ms", "gflops", "bytes_moved"] {
          #expect(layer[key] != nil, "\(key)")
        }
      }
      _ = try json(try String(contentsOfFile: trace, encoding: .utf8))
      let text = try Command.run(["bench", "Models/digits.onnx", "--runs", "3", "--layers"]).output
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }
  }

  @Test func inspectTellsMemoryAndNodesBeforeTheRun() throws {
    let r = try Command.run(["inspect", "Models/digits.onnx", "--json", "--layers"])
    let object = try #require(try json(r.output) as? [String: Any])
    let compiled = try #require(object["compiled"] as? [String: Any])
    for key in ["nodes", "arena_bytes", "scratch_bytes", "result_bytes", "weight_bytes"] {
      #expect(compiled[key] is Int, "\(key)")
    }
    let steps = try #require(compiled["steps"] as? [[String: Any]])
    #expect(!steps.isEmpty && steps.allSatisfy { $0["kernel"] is String })
  }
}
