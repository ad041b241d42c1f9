import ArgumentParser
import Formats
import Graphs

/// `dlrun inspect`: what a model takes, gives, consists of and costs.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows inputs, outputs, operators, parameters and cost of a model.",
    discussion: """
      Example: dlrun inspect resnet.onnx --shape image=8x3x224x224 --layers
               dlrun inspect resnet.onnx --svg > resnet.svg
      """)

  @Argument(help: "The model: .onnx, .pb, or one of these with .gz.")
  var model: String

  @Option(
    name: .customLong("shape"),
    help: "Sizes of an input, as name=1x3x224x224. May be given several times.")
  var shapes: [ShapeOption] = []

  @Flag(help: "List every node with its result types, parameters and multiply-adds.")
  var layers = false

  @Flag(help: "Write the graph as readable text.")
  var text = false

  @Flag(help: "Write a drawing in the language of Graphviz.")
  var dot = false

  @Flag(help: "Write a drawing as SVG.")
  var svg = false

  @Flag(help: "Report as JSON.")
  var json = false

  func validate() throws {
    if [text, dot, svg, json].filter({ $0 }).count > 1 {
      throw ValidationError("--text, --dot, --svg and --json exclude each other")
    }
  }

  func run() throws {
    let report = try ModelReport(path: model, shapes: shapes)
    if text {
      writeOutput(report.model.text())
    } else if dot {
      writeOutput(report.model.graph.dot(report.drawing))
    } else if svg {
      writeOutput(report.model.graph.svg(report.drawing))
    } else if json {
      writeOutput(JSONWriter.string(of: report.json(layers: layers), pretty: true))
    } else {
      writeOutput(report.text(layers: layers))
    }
  }
}
