import ArgumentParser
import Formats
import Graphs
import Runtime
import Tensors

/// `dlrun compare`: the same inputs through two models, or through one at two levels.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs two models on the same inputs and reports the largest errors.",
    discussion: """
      With one model, compares it unoptimised (A) with --optimize's level (B). Values that have \
      the same name in both graphs are compared as layers. Exit status 1 when an output differs \
      by more than --tolerance, relative to the largest element.

      Example: dlrun compare float.onnx int8.onnx --inputs calibration.npz --layers
      """)

  @Argument(help: "A model.", completion: .file()) var a: String
  @Argument(help: "Another model; default: the same one.", completion: .file()) var b: String?
  @OptionGroup var session: SessionArguments
  @Option(help: "A file with the inputs; default: made-up inputs.", completion: .file())
  var inputs: String?
  @Option(help: "Sizes of an input, as name=1x3x224x224.") var shape: [ShapeArgument] = []
  @Option(help: "Largest error that counts as equal.") var tolerance = 1e-4
  @Flag(help: "Compare the values inside the graphs too.") var layers = false
  @Flag(help: "Print figures as JSON.") var json = false

  func run() throws {
    let modelA = try ModelFile.read(contentsOf: a)
    let modelB = try b.map { try ModelFile.read(contentsOf: $0) } ?? modelA
    var optionsA = session.options
    if b == nil { optionsA.optimization = .none }
    let first = try inFile(a) { () throws(EngineError) in try Session(modelA, options: optionsA) }
    let second = try inFile(b ?? a) { () throws(EngineError) in
      try Session(modelB, options: session.options)
    }
    let values: [String: Value] =
      if let inputs {
        try InputFiles(arguments: [inputs]).values(for: first)
      } else {
        try SyntheticInputs(shapes: shape).make(for: first).mapValues { Value.tensor($0) }
      }
    var rows: [Row] = []
    let outputs = first.outputs.map(\.name)
    for (i, name) in outputs.enumerated() where i < second.outputs.count {
      rows.append(
        try row(
          first, name, second,
          second.outputs.contains { $0.name == name } ? name : second.outputs[i].name,
          values, isOutput: true))
    }
    if layers {
      let inB = Set(
        modelB.graph.nodes.flatMap { $0.outputs.compactMap { $0 } }.map { modelB.graph.name($0) })
      for node in modelA.graph.nodes {
        for case let id? in node.outputs {
          let name = modelA.graph.name(id)
          guard inB.contains(name), !outputs.contains(name) else { continue }
          rows.append(try row(first, name, second, name, values, isOutput: false))
        }
      }
    }
    try report(rows)
    if rows.contains(where: { $0.isOutput && !($0.difference.relative <= tolerance) }) {
      throw ExitCode(1)
    }
  }

  struct Row {
    let name: String
    let isOutput: Bool
    let difference: Difference
  }

  private func row(
    _ a: Session, _ nameA: String, _ b: Session, _ nameB: String, _ values: [String: Value],
    isOutput: Bool
  ) throws(EngineError) -> Row {
    let x = try a.run(values: values, outputs: [nameA]).values[0]
    let y = try b.run(values: values, outputs: [nameB]).values[0]
    return Row(name: nameA, isOutput: isOutput, difference: Difference(x, y))
  }

  private func report(_ rows: [Row]) throws {
    if json {
      let parts = rows.map {
        """
        {"name":\(jsonString($0.name)),"output":\($0.isOutput),\
        "absolute":\(jsonNumber($0.difference.absolute)),\
        "relative":\(jsonNumber($0.difference.relative))}
        """
      }
      writeOutput("[" + parts.joined(separator: ",\n") + "]\n")
      return
    }
    var table = Table(["", "value", "largest error", "relative", "type"], right: [2, 3])
    for r in rows {
      let d = r.difference
      let ok = d.relative <= tolerance
      table.add([
        r.isOutput ? (ok ? "same" : "DIFFERS") : "", r.name, "\(Float(d.absolute))",
        "\(Float(d.relative))", d.note,
      ])
    }
    writeOutput(table.text)
  }
}

extension Tensor {
  /// Numeric elements as doubles; nil for strings, complex and packed dtypes.
  var doubles: [Double]? {
    switch dtype {
    case .float32: elements(Float.self).map { Double($0) }
    case .float64: Array(elements(Double.self))
    case .float16: elements(Float16.self).map { Double($0) }
    case .bfloat16: elements(BFloat16.self).map { Double($0.float) }
    case .int64: elements(Int64.self).map { Double($0) }
    case .int32: elements(Int32.self).map { Double($0) }
    case .int16: elements(Int16.self).map { Double($0) }
    case .int8: elements(Int8.self).map { Double($0) }
    case .uint64: elements(UInt64.self).map { Double($0) }
    case .uint32: elements(UInt32.self).map { Double($0) }
    case .uint16: elements(UInt16.self).map { Double($0) }
    case .uint8: elements(UInt8.self).map { Double($0) }
    case .bool: elements(Bool.self).map { $0 ? 1 : 0 }
    default: nil
    }
  }
}
