import Formats
import Tensors

/// Element types by Keras' names, and the policies that say in which a layer computes.
enum KerasPolicy {
  /// `float32`, `int64`, `string`, …; nil for an unknown name.
  static func dtype(_ name: String) -> DType? {
    switch name {
    case "float16": .float16
    case "bfloat16": .bfloat16
    case "float32": .float32
    case "float64": .float64
    case "int8": .int8
    case "int16": .int16
    case "int32": .int32
    case "int64": .int64
    case "uint8": .uint8
    case "uint16": .uint16
    case "uint32": .uint32
    case "uint64": .uint64
    case "bool": .bool
    case "string": .string
    default: nil
    }
  }

  /// Errors: `.malformed` for an unknown name.
  static func dtype(named name: String) throws(EngineError) -> DType {
    guard let known = dtype(name) else {
      throw EngineError(.malformed, "the configuration names an unknown dtype", received: name)
    }
    return known
  }

  /// What the layer of `config` computes in: the policy's name, `mixed_float16` meaning float16.
  ///
  /// Errors: `.unsupported` for quantised policies; `.malformed`.
  static func computeType(_ config: KerasConfig) throws(EngineError) -> DType? {
    guard let value = config["dtype"] else { return nil }
    let name: String
    if let text = value.asString {
      name = text
    } else if let object = value.asObject, let inner = object["config"]?.asObject,
      object["class_name"]?.asString.map({ $0 == "DTypePolicy" || $0 == "Policy" }) == true,
      let text = inner["name"]?.asString
    {
      name = text
    } else {
      let given = value.asObject?["class_name"]?.asString ?? value.kind
      throw EngineError(
        .unsupported, "the dtype policy '\(given)' is not converted",
        expected: "float32, float64, float16, mixed_float16 or mixed_bfloat16",
        hint: "save the model before quantising it, and quantise with dlrun")
    }
    switch name {
    case "mixed_float16": return .float16
    case "mixed_bfloat16": return .bfloat16
    default: return try dtype(named: name)
    }
  }
}
