import Graphs
import Tensors

/// What a compiled model says of itself, as JSON.
enum CompiledManifest {
  /// `offsets`: where in the file each packed form starts.
  static func json(_ parts: CompiledParts, offsets: [Int]) -> JSONValue {
    var packed: [JSONValue] = []
    for (p, offset) in zip(parts.packed, offsets) {
      packed.append([
        .int(Int64(p.constant)), .string(p.form), .int(Int64(offset)),
        .int(Int64(p.bytes.byteCount)),
      ])
    }
    let inputs = parts.inputs.map { (name, type) -> JSONValue in
      [
        "name": .string(name), "dtype": .string("\(type.dtype)"),
        "shape": .array(type.shape.array.map { .int(Int64($0)) }),
      ]
    }
    return [
      "instruction_set": .string(parts.instructionSet),
      "packing_version": .int(Int64(parts.packingVersion)),
      "level": .string(parts.level), "exact": .bool(parts.isExact),
      "compact": .bool(parts.isCompact), "inputs": .array(inputs),
      "source": [
        "name": .string(parts.source.name), "bytes": .int(Int64(parts.source.bytes)),
        "modified": .int(Int64(parts.source.modified)), "sha256": .string(parts.source.digest),
      ],
      "packed": .array(packed),
    ]
  }

  /// - `initializers`: how many there are, which packed forms may name.
  /// - `weights`: the part of the file that packed forms may lie in.
  ///
  /// Errors: `.malformed` for what is missing, of another kind, or out of range.
  static func parts(
    _ json: JSONValue, in file: FileBytes, weights: Range<Int>, initializers: Int
  ) throws(EngineError) -> CompiledParts {
    let o = try object(json, "manifest")
    let source = try object(o["source"], "source")
    var inputs: [(name: String, type: TensorType)] = []
    for item in try array(o["inputs"], "inputs") {
      let port = try object(item, "input")
      let name = try text(port["dtype"], "dtype")
      guard let dtype = DType.allCases.first(where: { "\($0)" == name }) else {
        throw fault("dtype")
      }
      var sizes: [Int] = []
      for d in try array(port["shape"], "shape") { sizes.append(try number(d, "shape")) }
      inputs.append(
        (try text(port["name"], "name"), TensorType(dtype, try Shape(checking: sizes))))
    }
    guard case .bool(let isExact)? = o["exact"] else { throw fault("exact") }
    guard case .bool(let isCompact)? = o["compact"] else { throw fault("compact") }
    var packed: [CompiledParts.Packed] = []
    for item in try array(o["packed"], "packed") {
      let list = try array(item, "packed")
      guard list.count == 4 else { throw fault("packed") }
      let constant = try number(list[0], "packed")
      let (offset, count) = (try number(list[2], "packed"), try number(list[3], "packed"))
      guard constant < initializers, offset >= weights.lowerBound, offset <= weights.upperBound,
        count <= weights.upperBound - offset, offset % Storage.alignment == 0,
        let base = file.bytes.baseAddress
      else { throw fault("packed") }
      let start = UnsafeMutableRawPointer(mutating: base + offset)
      let bytes = Tensor(
        Storage(TensorType(.uint8, [count]), borrowing: start, owner: file))
      packed.append(.init(constant: constant, form: try text(list[1], "packed"), bytes: bytes))
    }
    return CompiledParts(
      instructionSet: try text(o["instruction_set"], "instruction_set"),
      packingVersion: try number(o["packing_version"], "packing_version"),
      level: try text(o["level"], "level"), isExact: isExact, isCompact: isCompact,
      inputs: inputs,
      source: .init(
        name: try text(source["name"], "name"), bytes: try number(source["bytes"], "bytes"),
        modified: try number(source["modified"], "modified"),
        digest: try text(source["sha256"], "sha256")),
      packed: packed)
  }

  private static func fault(_ name: String) -> EngineError {
    EngineError(.malformed, "the compiled model's manifest is wrong at '\(name)'")
  }
  private static func object(_ v: JSONValue?, _ name: String) throws(EngineError) -> JSONObject {
    guard let o = v?.asObject else { throw fault(name) }
    return o
  }
  private static func array(_ v: JSONValue?, _ name: String) throws(EngineError) -> [JSONValue] {
    guard let a = v?.asArray else { throw fault(name) }
    return a
  }
  private static func text(_ v: JSONValue?, _ name: String) throws(EngineError) -> String {
    guard let s = v?.asString else { throw fault(name) }
    return s
  }
  private static func number(_ v: JSONValue?, _ name: String) throws(EngineError) -> Int {
    guard let n = v?.asInt, n >= 0 else { throw fault(name) }
    return n
  }
}
