import Formats
import Tensors

/// A graph of operators in the order in which they run.
struct ExportedGraph: Sendable {
  var inputs: [ExportArgument] = []
  var outputs: [ExportArgument] = []
  var nodes: [ExportNode] = []
  /// What is known of each tensor, by name.
  var tensors: [String: ExportTensor] = [:]

  /// Errors: `.malformed`; `.unsupported` for tensors that dlrun does not have.
  init(_ json: JSONValue?) throws(EngineError) {
    let fields = try ExportReading.object(json, "a graph")
    for item in try ExportReading.array(fields["inputs"], "inputs") {
      inputs.append(try ExportArgument(item))
    }
    for item in try ExportReading.array(fields["outputs"], "outputs") {
      outputs.append(try ExportArgument(item))
    }
    for item in try ExportReading.array(fields["nodes"], "nodes") {
      nodes.append(try ExportNode(item))
    }
    let described = try ExportReading.object(fields["tensor_values"], "tensor_values")
    for (name, value) in zip(described.keys, described.values) {
      do throws(EngineError) {
        tensors[name] = try ExportTensor(value)
      } catch { throw error.at(node: name) }
    }
  }
}

/// One application of an operator.
struct ExportNode: Sendable {
  /// `torch.ops.aten.conv2d.default` without the `torch.ops.`; `_operator.add`; `math.trunc`.
  var target: String
  var name: String
  var inputs: [(name: String, value: ExportArgument)]
  var outputs: [ExportArgument]
  /// The path of the module it belongs to: `layer1.0.conv1`; empty for the model itself.
  var module: String

  init(_ json: JSONValue) throws(EngineError) {
    let fields = try ExportReading.object(json, "a node")
    let full = try ExportReading.text(fields["target"], "target")
    target = full.hasPrefix("torch.ops.") ? String(full.dropFirst(10)) : full
    name = ""
    inputs = []
    outputs = []
    module = ""
    do throws(EngineError) {
      for item in try ExportReading.array(fields["inputs"], "inputs") {
        let input = try ExportReading.object(item, "an input")
        inputs.append(
          (input["name"]?.asString ?? "", try ExportArgument(input["arg"])))
      }
      for item in try ExportReading.array(fields["outputs"], "outputs") {
        outputs.append(try ExportArgument(item))
      }
    } catch { throw error.at(node: fields["name"]?.asString, operatorName: target) }
    name = fields["name"]?.asString ?? outputs.flatMap(\.names).first ?? target
    if let stack = fields["metadata"]?.asObject?["nn_module_stack"]?.asString {
      module = ExportNode.innermost(stack)
    }
  }

  /// The path of the last of `key,path,type;...`.
  private static func innermost(_ stack: String) -> String {
    guard let last = stack.split(separator: ";").last else { return "" }
    let parts = last.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count > 1 else { return "" }
    var path = String(parts[1])
    if path.hasPrefix("L['self'].") { path = String(path.dropFirst(10)) }
    let isPlain = path.utf8.allSatisfy {
      $0 == 0x2E || $0 == 0x5F || ($0 >= 0x30 && $0 <= 0x39)
        || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A)
    }
    return isPlain && path.utf8.count <= 200 && !path.hasPrefix("_empty") ? path : ""
  }
}
