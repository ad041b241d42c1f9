import ArgumentParser
import Converters
import Tensors

/// What is to become of the graph.
struct EditArguments: ParsableArguments {
  enum FloatType: String, CaseIterable, ExpressibleByArgument {
    case float16, bfloat16, float32

    var dtype: DType {
      switch self {
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .float32: .float32
      }
    }
  }

  @Option(help: "The type of floats: float16, bfloat16 or float32; inputs and outputs keep theirs.")
  var dtype: FloatType?
  @Flag(help: "With --dtype: inputs and outputs as well.") var io = false
  @Option(
    help: """
      Sizes of an input, as name=1x3x224x224 or, left open under a name, name=batchx3x224x224; \
      commas where names hold an x.
      """)
  var shape: [PortShapeArgument] = []
  @Option(help: "A new name for an input, an output or another value, as old=new.")
  var rename: [RenameArgument] = []
  @Option(help: "Values at which the graph is to begin, as a,b.") var inputs: String?
  @Option(help: "Values at which the graph is to end, as c,d.") var outputs: String?
  @Flag(help: "Write local functions out.") var inline = false

  func validate() throws {
    if io, dtype == nil { throw ValidationError("--io goes with --dtype") }
  }

  private func names(_ list: String?) -> [String] {
    list?.split(separator: ",").map(String.init) ?? []
  }

  var edits: ModelEdits {
    var edits = ModelEdits()
    edits.dtype = dtype?.dtype
    edits.convertsPorts = io
    edits.shapes = shape.map { ($0.name, $0.dims) }
    edits.renames = rename.map { ($0.old, $0.new) }
    edits.inputs = names(inputs)
    edits.outputs = names(outputs)
    edits.inlinesFunctions = inline
    return edits
  }
}

/// How the result is written.
struct WritingArguments: ParsableArguments {
  enum External: EnumerableFlag {
    case externalData, noExternalData
  }

  @Flag(
    exclusivity: .exclusive,
    help: "Weights in a file beside the model, or within; default: beside over 1 GiB.")
  var external: External?
  @Option(help: "Tensors from this size on go beside the model, as 1KiB; with --external-data.")
  var externalThreshold: ByteSize?
  @Option(help: "What the names in C source begin with; default: the file's name.")
  var name: String?

  func validate() throws {
    if externalThreshold != nil, external != .externalData {
      throw ValidationError("--external-threshold goes with --external-data")
    }
  }

  var options: OutputOptions {
    var options = OutputOptions()
    switch external {
    case .externalData: options.external = .above(externalThreshold?.bytes ?? 1024)
    case .noExternalData: options.external = .never
    case nil: break
    }
    options.cName = name
    return options
  }
}
