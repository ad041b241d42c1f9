import Formats
import Tensors

/// The names that a dictionary of outputs gives them, from the text of torch's tree of containers.
enum OutputNames {
  /// The names of the leaves in order; nil where the outermost container is no dictionary. Leaves
  /// of a value that is itself a container are called `key.0`, `key.1` and so on.
  static func names(_ spec: String) -> [String]? {
    guard let root = try? JSONParser.parse(Array(spec.utf8)), let list = root.asArray,
      list.count == 2, let node = list[1].asObject, let children = node["children_spec"]?.asArray,
      let type = node["type"]?.asString
    else { return nil }
    let isDict =
      type == "builtins.dict" || type == "collections.OrderedDict" || type.hasSuffix("Output")
      || type.contains("modeling_outputs")
    guard isDict, let keys = keys(node["context"]), keys.count == children.count else { return nil }
    var names: [String] = []
    for (key, child) in zip(keys, children) {
      let count = leaves(child, depth: 0)
      guard names.count + count <= 4096 else { return nil }
      names += count == 1 ? [key] : (0..<count).map { "\(key).\($0)" }
    }
    return names
  }

  private static func keys(_ context: JSONValue?) -> [String]? {
    var value = context
    if let text = context?.asString { value = try? JSONParser.parse(Array(text.utf8)) }
    guard let list = value?.asArray else { return nil }
    var keys: [String] = []
    for key in list {
      guard let text = key.asString, !text.isEmpty, text.utf8.count < 200 else { return nil }
      keys.append(text)
    }
    return keys
  }

  private static func leaves(_ json: JSONValue, depth: Int) -> Int {
    guard depth < 50, let node = json.asObject, let type = node["type"]?.asString,
      !type.isEmpty, let children = node["children_spec"]?.asArray
    else { return 1 }
    return type == "builtins.NoneType"
      ? 0 : children.reduce(0) { $0 + leaves($1, depth: depth + 1) }
  }
}
