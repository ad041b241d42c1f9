import DLRun
import Formats
import Foundation
import Testing

@Suite struct CommandTests {
  @Test func irisIsNamedRight() throws {
    let r = try Command.run(["infer", "Models/iris.pb", "Models/iris.csv"])
    #expect(r.status == 0 && r.error.isEmpty, "\(r.error)")
    let rows = r.output.split(separator: "\n").map { $0.split(separator: ",") }
    #expect(rows.first == ["setosa", "versicolor", "virginica", "label"])
    let table = try String(
      contentsOf: Command.root.appendingPathComponent("Models/iris.csv"), encoding: .utf8)
    let species = table.split(separator: "\n").dropFirst().map { $0.split(separator: ",")[4] }
    #expect(rows.count == 151 && species.count == 150)
    let right = zip(rows.dropFirst(), species).reduce(0) { $0 + ($1.0[3] == $1.1 ? 1 : 0) }
    #expect(right > 144, "\(right) of 150")
  }

  @Test func digitsFromTableAndArrayAgree() throws {
    try Command.inTemporaryFolder { folder in
      let a = try Command.run([
        "infer", "Models/digits.onnx", "Models/digits.csv", "-o", folder + "/a.npz",
      ])
      let b = try Command.run([
        "infer", "Models/digits.onnx", "Models/digits.npz", "-o", folder + "/b.npz",
      ])
      #expect(a.status == 0 && b.status == 0, "\(a.error)\(b.error)")
      let x = try TensorFile.read(folder + "/a.npz").first { $0.name == "label" }
      let y = try TensorFile.read(folder + "/b.npz").first { $0.name == "label" }
      let labels = try #require(x).value.elements(Int64.self)
      #expect(try labels.elementsEqual(#require(y).value.elements(Int64.self)))
    }
  }

  @Test func rowsStreamFromStandardInput() throws {
    let r = try Command.run(
      ["infer", "Models/iris.pb", "-", "--batch", "2"],
      input: "5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n5.9,3.0,5.1,1.8\n")
    #expect(r.status == 0, "\(r.error)")
    let labels = r.output.split(separator: "\n").dropFirst().map { $0.split(separator: ",").last }
    #expect(labels == ["setosa", "virginica", "virginica"])
  }

  /// Arguments, standard input, exit status, and what the message must hold.
  static let mistakes: [([String], String, Int32, [String])] = [
    (["infer", "no.onnx", "Models/iris.csv"], "", 66, ["no.onnx"]),
    (["infer", "Models/iris.pb", "no.csv"], "", 66, ["no.csv"]),
    (["infer", "Models/iris.pb"], "", 64, []),
    (["infer", "Models/iris.pb", "-", "--threads", "0"], "", 64, ["--threads"]),
    (["infer", "Models/iris.pb", "-", "--batch", "0"], "", 64, ["--batch"]),
    (["infer", "Models/iris.pb", "-", "--optimize", "most"], "", 64, []),
    (["nonsense"], "", 64, []),
    (["infer", "Models/iris.csv", "Models/iris.csv"], "", 65, ["Models/iris.csv"]),
    (["infer", "Models/iris.pb", "-"], "1,2,3,4\n1,2,x,4\n", 65, ["2", "x"]),
    (["infer", "Models/iris.pb", "-"], "1,2,3,4\n1,2,3\n", 65, ["2"]),
    (["infer", "Models/iris.pb", "-"], "a,b,c,d\n1,2,3,4\n", 64, ["sepal_length"]),
    (["infer", "Models/iris.pb", "-"], "1,2\n", 65, ["4", "2"]),
    (["infer", "Models/iris.pb", "-"], "", 65, ["no rows"]),
    (["infer", "Models/iris.pb", "q=Models/iris.csv"], "", 64, ["features"]),
    (["infer", "Models/iris.pb", "Models/iris.csv", "--outputs", "no"], "", 64, ["no"]),
    (["infer", "Models/iris.pb", "Models/iris.csv", "-o", "/no/such/folder/x.csv"], "", 73, []),
    (["infer", "Models/iris.pb", "Models/iris.csv", "--max-memory", "1"], "", 75, ["budget"]),
    (["verify", "no-folder"], "", 66, ["no-folder"]),
    (["check", "Models/iris.csv"], "", 65, ["iris.csv"]),
    (["bench", "Models/iris.pb", "--shape", "no=1x4"], "", 64, ["no"]),
    (["compare", "Models/iris.pb", "no.onnx"], "", 66, ["no.onnx"]),
  ]

  @Test(arguments: mistakes.indices) func mistakesAreExplained(_ i: Int) throws {
    let (arguments, input, status, words) = Self.mistakes[i]
    let r = try Command.run(arguments, input: input)
    #expect(r.status == status, "\(arguments): \(r.error)")
    for w in words { #expect(r.error.contains(w), "\(arguments): \(r.error)") }
    if status != 64 {
      #expect(r.error.hasPrefix("dlrun: ") && r.error.filter { $0 == "\n" }.count == 1)
    }
  }

  @Test func everyCommandHelpsWithAnExample() throws {
    for name in [
      "infer", "inspect", "check", "verify", "compare", "optimize", "bench", "compile", "ops",
    ] {
      let r = try Command.run([name, "--help"])
      #expect(r.status == 0 && r.output.contains("Example: dlrun \(name)"), "\(name)")
    }
  }

  @Test func outputWithoutATerminalIsPlain() throws {
    for arguments in [
      ["inspect", "Models/digits.onnx", "--layers"], ["compare", "Models/iris.pb"],
    ] {
      let r = try Command.run(arguments)
      #expect(r.status == 0 && !r.output.contains("\u{1B}") && !r.error.contains("\u{1B}"))
    }
  }

  @Test func reportsAsJSON() throws {
    for arguments in [
      ["inspect", "Models/digits.onnx", "--json"], ["check", "Models/digits.onnx", "--json"],
      ["compare", "Models/iris.pb", "--json"],
      ["bench", "Models/iris.pb", "--runs", "3", "--json"],
    ] {
      let r = try Command.run(arguments)
      #expect(r.status == 0, "\(arguments): \(r.error)")
      #expect(
        (try? JSONSerialization.jsonObject(with: Data(r.output.utf8))) != nil, "\(arguments)")
    }
  }

  @Test func traceNamesOperators() throws {
    try Command.inTemporaryFolder { folder in
      let trace = folder + "/trace.json"
      let r = try Command.run([
        "infer", "Models/iris.pb", "Models/iris.csv", "--profile", trace,
      ])
      #expect(r.status == 0)
      let data = try Data(contentsOf: URL(fileURLWithPath: trace))
      let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
      let events = try #require(object?["traceEvents"] as? [[String: Any]])
      #expect(events.contains { ($0["name"] as? String)?.contains("Gemm") == true })
    }
  }
}
