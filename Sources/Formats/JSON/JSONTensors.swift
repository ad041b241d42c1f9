import Tensors

/// Tensors as JSON: `{"x": [[1.5, 2.0]], "y": {"dtype": "int32", "shape": [2], "data": [1, 2]}}`.
///
/// A tensor is a number, string or boolean, nested arrays of equal lengths, or an object with
/// `data` (nested or flat) and, where wanted, `dtype` and `shape`. A file is an object of named
/// tensors, or one tensor alone. NaN and infinities are the strings `NaN`, `Infinity`, `-Infinity`
/// or the bare words that Python writes; `null` is NaN. Complex elements are pairs `[re, im]`.
///
/// Without a dtype, numbers with a point, an exponent or a NaN among them are float32, whole ones
/// int64 (uint64 where they need it), and no numbers at all float32.
public enum JSONTensors {
  /// - `dtypes`: the element types wanted by name, before what a file without types would be.
  ///
  /// Errors: `.malformed`; `.shape` for lengths that differ; `.dtype` and `.value` for elements that
  /// do not fit their type; `.budget`.
  public static func read(
    _ bytes: UnsafeRawBufferPointer, dtypes: [String: DType] = [:],
    limits: TensorLimits = TensorLimits()
  ) throws(EngineError) -> [(name: String?, value: Tensor)] {
    let root = try JSONParser.parse(bytes, limits: limits, nonFinite: true)
    guard let object = root.asObject, !isExplicit(object) else {
      return [(nil, try tensor(root, nil, limits))]
    }
    guard object.count <= limits.members else {
      throw EngineError(.budget, "the file holds too many tensors", received: "\(object.count)")
    }
    var result: [(name: String?, value: Tensor)] = []
    for (name, value) in zip(object.keys, object.values) {
      do throws(EngineError) {
        result.append((name, try tensor(value, dtypes[name], limits)))
      } catch {
        throw EngineError(
          error.code, "tensor '\(name)': \(error.message)", expected: error.expected,
          received: error.received, hint: error.hint)
      }
    }
    return result
  }

  private static func isExplicit(_ object: JSONObject) -> Bool {
    object["data"] != nil && (object["dtype"]?.asString != nil || object["shape"] != nil)
      && object.keys.allSatisfy { ["dtype", "shape", "data"].contains($0) }
  }

  /// One tensor, of type `wanted` where the value does not say otherwise.
  static func tensor(
    _ value: JSONValue, _ wanted: DType?, _ limits: TensorLimits
  ) throws(EngineError) -> Tensor {
    guard let object = value.asObject else {
      var leaves = JSONLeaves()
      try leaves.gather(value)
      return try leaves.tensor(wanted, dims: nil, limits)
    }
    for key in object.keys where !["dtype", "shape", "data"].contains(key) {
      throw EngineError(
        .malformed, "a tensor has an unknown member", expected: "dtype, shape and data",
        received: "'\(key)'")
    }
    guard let data = object["data"] else {
      throw EngineError(.malformed, "a tensor has no 'data'")
    }
    var dtype = wanted
    if let name = object["dtype"] {
      guard let known = name.asString.flatMap({ DTypeName.parse($0) }) else {
        throw EngineError(
          .dtype, "the element type is not known", expected: "such as \"float32\"",
          received: name.asString.map { "\"\($0)\"" } ?? name.kind)
      }
      dtype = known
    }
    var dims: [Int]?
    if let shape = object["shape"] {
      guard let list = shape.asArray else {
        throw EngineError(.malformed, "a shape is no array", received: shape.kind)
      }
      dims = []
      for size in list {
        guard let size = size.asInt, size >= 0 else {
          throw EngineError(.malformed, "a shape's size is no whole number", received: size.kind)
        }
        dims?.append(size)
      }
    }
    var leaves = JSONLeaves()
    try leaves.gather(data)
    return try leaves.tensor(dtype, dims: dims, limits)
  }

  /// The tensors as a JSON object; one without a name stands alone.
  ///
  /// Nested arrays where they read back as the same tensor, an object with dtype and shape where
  /// not.
  ///
  /// Errors: `.usage` for several tensors of which one has no name, or a name twice; `.dtype` for
  /// 8- and 4-bit floats, which have no form as text.
  public static func bytes(
    of tensors: [(name: String?, value: Tensor)]
  ) throws(EngineError) -> [UInt8] {
    var writer = JSONWriter()
    if tensors.count == 1, tensors[0].name == nil {
      try JSONElements(tensors[0].value).write(to: &writer)
    } else {
      var names: Set<String> = []
      writer.raw("{")
      for (i, (name, value)) in tensors.enumerated() {
        guard let name, names.insert(name).inserted else {
          throw EngineError(
            .usage, name.map { "two tensors are named '\($0)'" } ?? "a tensor has no name")
        }
        writer.raw(i == 0 ? "\n" : ",\n")
        writer.write(name)
        writer.raw(": ")
        try JSONElements(value).write(to: &writer)
      }
      writer.raw("\n}")
    }
    writer.raw("\n")
    return writer.bytes
  }
}
