import Formats
import Tensors

/// What a node is given, or gives: the union `Argument` of torch's schema, its forms joined.
indirect enum ExportArgument: Sendable {
  case none
  case tensor(String)
  /// A list of tensors; nil where it holds None.
  case tensors([String?])
  case scalar(ExportScalar)
  case scalars([ExportScalar])
  /// An element type, by torch's number.
  case scalarType(Int)
  case text(String)
  case graph(ExportedGraph)
  /// Where a tensor lies and in which order: nothing that a graph's meaning depends on.
  case placement
  /// A form without meaning here: a custom object, an operator.
  case other(String)

  /// Errors: `.malformed`; those of graphs.
  init(_ json: JSONValue?) throws(EngineError) {
    let fields = try ExportReading.object(json, "an argument")
    guard let kind = fields.keys.first, let value = fields.values.first, fields.count == 1 else {
      throw EngineError(
        .malformed, "an argument has several forms or none",
        received: fields.keys.joined(separator: ", "))
    }
    switch kind {
    case "as_none": self = .none
    case "as_tensor": self = .tensor(try ExportReading.name(value))
    case "as_tensors":
      var names: [String?] = []
      for item in try ExportReading.array(value, kind) {
        names.append(try ExportReading.name(item))
      }
      self = .tensors(names)
    case "as_optional_tensor": self = try ExportArgument(value)
    case "as_optional_tensors":
      var names: [String?] = []
      for item in try ExportReading.array(value, kind) {
        if case .tensor(let name) = try ExportArgument(item) {
          names.append(name)
        } else {
          names.append(nil)
        }
      }
      self = .tensors(names)
    case "as_int", "as_float", "as_bool", "as_sym_int", "as_sym_float", "as_sym_bool":
      self = .scalar(try ExportScalar(value))
    case "as_ints", "as_floats", "as_bools", "as_sym_ints", "as_sym_floats", "as_sym_bools":
      var list: [ExportScalar] = []
      for item in try ExportReading.array(value, kind) { list.append(try ExportScalar(item)) }
      self = .scalars(list)
    case "as_scalar_type": self = .scalarType(try ExportReading.int(value, kind))
    case "as_string": self = .text(try ExportReading.text(value, kind))
    case "as_graph":
      let graph = try ExportReading.object(value, kind)
      self = .graph(try ExportedGraph(graph["graph"]))
    case "as_device", "as_layout", "as_memory_format": self = .placement
    default: self = .other(kind)
    }
  }

  /// The names of values that it refers to.
  var names: [String] {
    switch self {
    case .tensor(let name): [name]
    case .tensors(let list): list.compactMap { $0 }
    case .scalar(let scalar): scalar.name.map { [$0] } ?? []
    case .scalars(let list): list.compactMap(\.name)
    default: []
    }
  }
}

/// A number of a program: known, or the name of a value that is computed.
enum ExportScalar: Sendable, Hashable {
  case int(Int)
  case float(Double)
  case bool(Bool)
  case name(String)

  /// Errors: `.malformed`.
  init(_ json: JSONValue) throws(EngineError) {
    switch json {
    case .int(let v): self = .int(Int(v))
    case .double(let v): self = .float(v)
    case .bool(let v): self = .bool(v)
    case .string("Infinity"): self = .float(.infinity)
    case .string("-Infinity"): self = .float(-.infinity)
    case .string("NaN"): self = .float(.nan)
    case .object(let fields):
      guard fields.count == 1, let value = fields.values.first else {
        throw EngineError(.malformed, "a number has several forms or none")
      }
      if fields.keys.first == "as_name" {
        self = .name(try ExportReading.text(value, "as_name"))
      } else {
        guard value.asObject == nil else {
          throw EngineError(.malformed, "a number is an object within an object")
        }
        self = try ExportScalar(value)
      }
    default:
      throw EngineError(.malformed, "a number is none", received: json.kind)
    }
  }

  var name: String? { if case .name(let name) = self { name } else { nil } }
}
