import ArgumentParser
import Converters
import Formats
import Graphs
import Runtime
import Tensors

/// `dlrun convert`: models of other frameworks, as ONNX.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Converts models of TensorFlow, Keras and PyTorch to ONNX.",
    discussion: """
      The content of the input tells its kind. Nothing found in it is executed; what cannot be \
      converted is listed in one message. --check runs the result on the arrays of a file (named as \
      the model's inputs and outputs, or in_0, out_0 and so on) and ends with status 1 where an \
      output differs by more than --tolerance, relative to its largest element.

      Example: dlrun convert model.keras -o model.onnx --check io.npz
               dlrun convert --list keras
      """)

  @Argument(help: "A model: a file, or the folder of a SavedModel.", completion: .file())
  var input: String?
  @Option(name: .shortAndLong, help: "Where to save the model.", completion: .file())
  var output: String?
  @Option(help: "Print what can be converted from: \(Convert.listed).") var list: String?
  @Option(help: "The opset to write; default: the lowest from 17 up that serves.") var opset: Int?
  @Option(help: "The signature to convert, where a model has several.") var signature: String?
  @Option(help: "Inputs and expected outputs to run the result on.", completion: .file())
  var check: String?
  @Option(help: "Largest relative difference that counts as equal.") var tolerance = 1e-4
  @OptionGroup var weightOptions: WeightOptions
  @Flag(help: "Print as JSON.") var json = false

  static var listed: String {
    Conversion.converters.flatMap { $0.kinds }.map(\.rawValue).joined(separator: ", ")
  }

  func validate() throws {
    if list != nil { return }
    guard input != nil, output != nil else {
      throw ValidationError("name a model and, with -o, where to save it")
    }
    guard tolerance >= 0 else { throw ValidationError("--tolerance must not be negative") }
  }

  func run() throws {
    if let list {
      writeOutput(try ConversionTable(list).text(json: json))
      return
    }
    guard let input, let output else { return }
    var options = ConversionOptions()
    options.opset = opset
    options.signature = signature
    options.adjust = try weightOptions.adjustment()
    var result = try Conversion.convert(path: input, options: options)
    if let adjust = options.adjust, !result.wasAdjusted {
      result.notes += try adjust(&result.model)
    }
    let weights = GraphStatistics(result.model.graph).parameterBytes
    try ONNXWriter.write(
      result.model, to: output, options: .init(externalThreshold: weights > 1 << 30 ? 1 << 16 : nil)
    )
    let report = try check.map { (path) throws(EngineError) in
      try ConversionCheck(model: output, against: path)
    }
    writeOutput(
      ConversionText(result, input: input, output: output, check: report, tolerance: tolerance)
        .text(json: json))
    if let report, !(report.largest <= tolerance) { throw ExitCode(1) }
  }
}
