import ArgumentParser
import Converters
import Formats
import Graphs
import Runtime
import Tensors

/// `dlrun convert`: models of other frameworks as ONNX, ONNX in other forms, weights, C source.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Converts models of TensorFlow, Keras, PyTorch and ONNX.",
    discussion: """
      The content of the input tells its kind, the ending of the output what is written: ONNX, the \
      weights alone (.safetensors, .npz, .npy), or C source (.c with its .h) without a runtime. \
      Nothing found in a file is executed; what cannot be converted is listed in one message. \
      --check runs the result on the arrays of a file (named as the model's inputs and outputs, or \
      in_0, out_0 and so on) and ends with status 1 where an output differs by more than \
      --tolerance, relative to its largest element. An ONNX model of which nothing is asked is \
      checked and copied byte for byte.

      Example: dlrun convert model.keras -o model.onnx --check io.npz
               dlrun convert model.onnx -o old.onnx --opset 12
               dlrun convert model.onnx -o half.onnx --dtype float16
               dlrun convert model.onnx -o fixed.onnx --shape image=1x3x224x224
               dlrun convert model.onnx -o open.onnx --shape image=batchx3x224x224
               dlrun convert model.onnx -o part.onnx --inputs image --outputs features
               dlrun convert model.onnx -o model.c --shape 1x3x32x32
               dlrun convert llama.gguf -o llama.safetensors
               dlrun convert --list keras
      """)

  @Argument(help: "A model: a file, or the folder of a SavedModel.", completion: .file())
  var input: String?
  @Option(name: .shortAndLong, help: "Where to save the model.", completion: .file())
  var output: String?
  @Option(help: "What to write, where the name does not say: \(Convert.outputs).")
  var to: OutputKind?
  @Option(help: "Print what can be converted from: \(Convert.listed); or written as: c.") var list:
    String?
  @Option(help: "The opset to write; default: an ONNX model's own, else the lowest from 17 up.")
  var opset: Int?
  @Option(help: "The signature to convert, where a model has several.") var signature: String?
  @OptionGroup(title: "Changes") var edits: EditArguments
  @OptionGroup(title: "Writing") var writing: WritingArguments
  @Option(help: "Inputs and expected outputs to run the result on.", completion: .file())
  var check: String?
  @Option(help: "Largest relative difference that counts as equal.") var tolerance = 1e-4
  @OptionGroup var weightOptions: WeightOptions
  @Flag(help: "Print as JSON.") var json = false

  static var listed: String {
    Conversion.converters.flatMap { $0.kinds }.map(\.rawValue).joined(separator: ", ")
  }
  static var outputs: String { OutputKind.allCases.map(\.rawValue).joined(separator: ", ") }

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
    let kind = if let to { to } else { try OutputKind(path: output) }
    try refuseWhatDoesNotGoTogether(kind)
    var options = ConversionOptions()
    options.opset = opset
    options.signature = signature
    options.edits = edits.edits
    options.adjust = try weightOptions.adjustment()
    for shape in edits.shape {
      if let name = shape.name, let sizes = shape.sizes { options.shapes[name] = sizes }
    }
    options.progress = ConversionProgress.report
    defer { ConversionProgress.end() }
    if kind.isWeights {
      let weights = try Conversion.weights(path: input, options: options)
      try weights.write(to: output, as: kind)
      ConversionProgress.end()
      writeOutput(WeightText(weights: weights, input: input, output: output).text(json: json))
      return
    }
    let result = try Conversion.convert(path: input, options: options)
    options.progress?("writing \(output)", 0.8)
    let files = try inFile(input) { () throws(EngineError) in
      try Conversion.write(result, to: output, as: kind, options: writing.options)
    }
    let report = try check.map { (path) throws(EngineError) in
      try ConversionCheck(model: output, against: path)
    }
    ConversionProgress.end()
    writeOutput(
      ConversionText(result, input: input, files: files, check: report, tolerance: tolerance)
        .text(json: json))
    if let report, !(report.largest <= tolerance) { throw ExitCode(1) }
  }

  private func refuseWhatDoesNotGoTogether(_ kind: OutputKind) throws(EngineError) {
    if kind != .onnx, check != nil {
      throw EngineError(
        .usage, "--check runs an ONNX model", received: "output of \(kind.rawValue)")
    }
    if kind != .onnx, writing.external != nil || writing.externalThreshold != nil {
      throw EngineError(
        .usage, "external data is a matter of ONNX", received: "output of \(kind.rawValue)")
    }
    if kind != .c, writing.name != nil {
      throw EngineError(
        .usage, "--name is the name of C functions", received: "output of \(kind.rawValue)")
    }
  }
}

extension OutputKind: ExpressibleByArgument {}
