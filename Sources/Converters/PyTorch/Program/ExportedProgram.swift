import Formats
import Tensors

/// What `torch.export` saves of a model: its graph, and what each input and output of it is.
struct ExportedProgram: Sendable {
  /// What an input of the graph stands for.
  enum Input: Sendable {
    /// The caller's: a tensor or a number.
    case user(ExportArgument)
    case parameter(value: String, name: String)
    case buffer(value: String, name: String)
    case constant(value: String, name: String)
    /// An argument that was fixed when the model was exported.
    case fixed
    case other(String)
  }

  /// What an output of the graph stands for.
  enum Output: Sendable {
    case user(ExportArgument)
    case bufferMutation(String)
    case inputMutation(String)
    case other(String)
  }

  var graph: ExportedGraph
  var inputs: [Input] = []
  var outputs: [Output] = []
  /// Names that the model's own structure gives its outputs; nil where it gives none.
  var outputNames: [String]?
  var torchVersion: String

  /// Errors: `.malformed`, `.unsupported`, `.budget`.
  init(_ text: UnsafeRawBufferPointer) throws(EngineError) {
    let root = try ExportReading.object(
      try JSONParser.parse(text, limits: TensorLimits(), nonFinite: true), "the program")
    torchVersion = root["torch_version"]?.asString ?? "2.4 or before"
    if let version = root["schema_version"]?.asObject?["major"]?.asInt, version > 8 {
      throw EngineError(
        .unsupported, "the program is written in a newer schema", expected: "major version 8",
        received: "\(version)", hint: "save it with torch 2.13 or before")
    }
    let module = try ExportReading.object(root["graph_module"], "graph_module")
    graph = try ExportedGraph(module["graph"])
    let signature = try ExportReading.object(module["signature"], "signature")
    for item in try ExportReading.array(signature["input_specs"], "input_specs") {
      inputs.append(try ExportedProgram.input(item))
    }
    for item in try ExportReading.array(signature["output_specs"], "output_specs") {
      outputs.append(try ExportedProgram.output(item))
    }
    guard inputs.count == graph.inputs.count, outputs.count == graph.outputs.count else {
      throw EngineError(
        .malformed, "the signature does not fit the graph",
        expected: "\(graph.inputs.count) inputs and \(graph.outputs.count) outputs",
        received: "\(inputs.count) and \(outputs.count)")
    }
    let first = module["module_call_graph"]?.asArray?.first?.asObject
    if let spec = first?["signature"]?.asObject?["out_spec"]?.asString {
      outputNames = OutputNames.names(spec)
    }
  }

  private static func input(_ json: JSONValue) throws(EngineError) -> Input {
    let (kind, fields) = try single(json)
    switch kind {
    case "user_input": return .user(try ExportArgument(fields["arg"]))
    case "parameter":
      return .parameter(
        value: try ExportReading.name(fields["arg"]),
        name: try ExportReading.text(fields["parameter_name"], "parameter_name"))
    case "buffer":
      return .buffer(
        value: try ExportReading.name(fields["arg"]),
        name: try ExportReading.text(fields["buffer_name"], "buffer_name"))
    case "tensor_constant":
      return .constant(
        value: try ExportReading.name(fields["arg"]),
        name: try ExportReading.text(fields["tensor_constant_name"], "tensor_constant_name"))
    case "constant_input": return .fixed
    default: return .other(kind)
    }
  }

  private static func output(_ json: JSONValue) throws(EngineError) -> Output {
    let (kind, fields) = try single(json)
    switch kind {
    case "user_output": return .user(try ExportArgument(fields["arg"]))
    case "buffer_mutation":
      return .bufferMutation(try ExportReading.text(fields["buffer_name"], "buffer_name"))
    case "user_input_mutation":
      return .inputMutation(try ExportReading.text(fields["user_input_name"], "user_input_name"))
    default: return .other(kind)
    }
  }

  private static func single(_ json: JSONValue) throws(EngineError) -> (String, JSONObject) {
    let fields = try ExportReading.object(json, "a part of the signature")
    guard fields.count == 1, let kind = fields.keys.first else {
      throw EngineError(.malformed, "a part of the signature has several forms or none")
    }
    return (kind, try ExportReading.object(fields.values.first, kind))
  }
}
