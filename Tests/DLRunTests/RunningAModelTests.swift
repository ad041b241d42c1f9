import DLRun
import Testing

/// The code of the manual's page RunningAModel.
@Suite struct RunningAModelTests {
  let path = Iris.path

  @Test func tutorial() throws {
    let model = try Model(contentsOf: path)
    let session = try Session(model, options: .init(threads: 2))

    for port in session.inputs { print(port.name, port.type.text) }
    for port in session.outputs { print(port.name, port.type.text) }
    #expect(session.inputs.map(\.type.text) == ["float32[batch, 4]"])
    #expect(session.outputs.map(\.name) == ["probabilities", "label"])

    let flowers = try Tensor([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])
    let outputs = try session.run(["features": flowers])

    var lines: [String] = []
    if let probabilities = outputs["probabilities"], let labels = outputs["label"] {
      let p = try probabilities.values(as: Float.self)
      for (i, label) in try labels.values(as: Int64.self).enumerated() {
        lines.append("flower \(i) is of class \(label) with probability \(p[3 * i + Int(label)])")
      }
    }
    #expect(lines.count == 2)
    #expect(lines[0].hasPrefix("flower 0 is of class 0 with probability 0.999"))
    #expect(lines[1].hasPrefix("flower 1 is of class 2 with probability 0.9"))

    let one = try session.run(["features": flowers], outputs: ["label"])
    #expect(one.count == 1)

    let profiler = Profiler()
    _ = try session.run(["features": flowers], profiler: profiler)
    for event in profiler.events { print(event.node, event.operatorName, event.kernel) }
    #expect(profiler.events.contains { $0.operatorName == "Softmax" })
  }

  @Test func inTheReadme() throws {
    let model = try Model(contentsOf: path)
    let session = try Session(model, options: .init(threads: 2))
    let outputs = try session.run(["features": Tensor([[5.1, 3.5, 1.4, 0.2]])])
    #expect(try outputs["label"]?.values(as: Int64.self) == [0])
  }
}
