import Graphs
import Operators
import Tensors

/// One node of an exported graph while it is converted: its operands, and the builder that takes
/// what becomes of it.
///
/// Arguments are found by the names of torch's operator schemas. A file leaves those out that have
/// their default; the rules name it.
struct TorchCall {
  let graph: TorchGraph
  let node: ExportNode

  var builder: ConversionBuilder { graph.builder }

  /// What the node is given as `name`; nil where it is left out or None.
  func argument(_ name: String) -> ExportArgument? {
    guard let found = node.inputs.first(where: { $0.name == name })?.value else { return nil }
    if case .none = found { return nil }
    return found
  }
  /// The argument at a place, for operators without a schema.
  func argument(at i: Int) throws(EngineError) -> ExportArgument {
    guard i < node.inputs.count else { throw missing("argument \(i)") }
    return node.inputs[i].value
  }
  func has(_ name: String) -> Bool { argument(name) != nil }

  private func missing(_ name: String) -> EngineError {
    EngineError(.malformed, "'\(name)' is missing, or of a form that the operator does not take")
  }

  // MARK: Tensors

  /// The tensor given as `name`; a number becomes a tensor without axes.
  func x(_ name: String = "self") throws(EngineError) -> ValueID {
    guard let value = try optional(name) else { throw missing(name) }
    return value
  }
  func optional(_ name: String) throws(EngineError) -> ValueID? {
    guard let argument = argument(name) else { return nil }
    return try tensor(argument, name)
  }
  func tensor(_ argument: ExportArgument, _ name: String) throws(EngineError) -> ValueID {
    switch argument {
    case .tensor(let value): return try tensor(named: value)
    case .scalar(let scalar):
      switch try graph.value(scalar) {
      case .tensor(let id): return id
      case .symbol(let id): return try unsqueezed(id)
      case .number(let n): return try constant(n, n.dtype)
      case .none: throw missing(name)
      }
    default: throw missing(name)
    }
  }
  private func tensor(named name: String) throws(EngineError) -> ValueID {
    switch try graph.value(name) {
    case .tensor(let id): return id
    case .symbol(let id): return try unsqueezed(id)
    case .number(let n): return try constant(n, n.dtype)
    case .none:
      throw EngineError(.unsupported, "it uses '\(name)', which has no meaning at inference")
    }
  }
  /// A symbol `[1]` as a tensor without axes.
  func unsqueezed(_ symbol: ValueID) throws(EngineError) -> ValueID {
    try builder.apply(Squeeze(), symbol, try builder.ints([0]))
  }
  /// The tensors of a list.
  func tensors(_ name: String) throws(EngineError) -> [ValueID] {
    var list: [ValueID] = []
    for item in try optionalTensors(name) {
      guard let item else { throw missing(name) }
      list.append(item)
    }
    return list
  }
  func optionalTensors(_ name: String) throws(EngineError) -> [ValueID?] {
    guard case .tensors(let names)? = argument(name) else { throw missing(name) }
    var list: [ValueID?] = []
    for item in names {
      guard let item else {
        list.append(nil)
        continue
      }
      list.append(try tensor(named: item))
    }
    return list
  }

  // MARK: Numbers

  /// A number known at conversion; nil where left out.
  func number(_ name: String) throws(EngineError) -> TorchNumber? {
    guard let argument = argument(name) else { return nil }
    switch argument {
    case .scalar(let scalar):
      switch try graph.value(scalar) {
      case .number(let n): return n
      case .symbol(let id):
        if let n = builder.fact(of: id).elements?.first?.known { return .int(n) }
      default: break
      }
    case .tensor(let value):
      // A tensor of one element that the file knows.
      if case .tensor(let id) = try graph.value(value), let t = builder.fact(of: id).constant,
        t.count == 1, let v = t.asDouble(0)
      {
        return t.dtype.isFloat ? .float(v) : Int(exactly: v).map { .int($0) } ?? .float(v)
      }
    default: throw missing(name)
    }
    throw EngineError(
      .unsupported, "'\(name)' depends on sizes or data, and has to be known at conversion")
  }
  func int(_ name: String, _ fallback: Int? = nil) throws(EngineError) -> Int {
    guard let n = try number(name)?.int ?? fallback else { throw missing(name) }
    return n
  }
  func double(_ name: String, _ fallback: Double) throws(EngineError) -> Double {
    try number(name)?.double ?? fallback
  }
  func bool(_ name: String, _ fallback: Bool) throws(EngineError) -> Bool {
    try number(name).map { $0.double != 0 } ?? fallback
  }
  func text(_ name: String, _ fallback: String) -> String {
    if case .text(let text)? = argument(name) { text } else { fallback }
  }
  /// A list of whole numbers; a single one counts as a list.
  func ints(_ name: String) throws(EngineError) -> [Int]? {
    guard let sizes = try sizes(name) else { return nil }
    var list: [Int] = []
    for size in sizes {
      guard let n = known(size) else {
        throw EngineError(
          .unsupported, "'\(name)' depends on sizes or data, and has to be known at conversion")
      }
      list.append(n)
    }
    return list
  }
  /// A list of whole numbers, one for each of `rank` axes: a single one stands for all.
  func spatial(_ name: String, _ rank: Int, _ fallback: Int) throws(EngineError) -> [Int] {
    let list = try ints(name) ?? []
    if list.isEmpty { return Array(repeating: fallback, count: rank) }
    if list.count == 1, let only = list.first { return Array(repeating: only, count: rank) }
    guard list.count == rank else {
      throw EngineError(
        .malformed, "'\(name)' does not fit the operator", expected: "\(rank) numbers",
        received: "\(list)")
    }
    return list
  }
  func doubles(_ name: String) throws(EngineError) -> [Double]? {
    guard let argument = argument(name) else { return nil }
    guard case .scalars(let list) = argument else {
      if case .tensors(let empty) = argument, empty.isEmpty { return [] }
      return try number(name).map { [$0.double] }
    }
    var result: [Double] = []
    for item in list {
      guard case .number(let n) = try graph.value(item) else {
        throw EngineError(.unsupported, "'\(name)' has to be known at conversion")
      }
      result.append(n.double)
    }
    return result
  }

  // MARK: Sizes

  /// A list of sizes, any of which may be computed; nil where left out.
  func sizes(_ name: String) throws(EngineError) -> [TorchSize]? {
    guard let argument = argument(name) else { return nil }
    switch argument {
    case .scalar(let scalar): return [try size(scalar)]
    case .scalars(let list):
      var sizes: [TorchSize] = []
      for item in list { sizes.append(try size(item)) }
      return sizes
    case .tensors(let list):
      // An empty list has no element to tell its type by.
      var sizes: [TorchSize] = []
      for item in list {
        guard let item else { throw missing(name) }
        sizes.append(try size(.name(item)))
      }
      return sizes
    case .tensor(let value): return [try size(.name(value))]
    default: throw missing(name)
    }
  }
  func size(_ name: String) throws(EngineError) -> TorchSize? { try sizes(name)?.first }

  func size(_ scalar: ExportScalar) throws(EngineError) -> TorchSize {
    switch try graph.value(scalar) {
    case .number(let n):
      guard let n = n.int else { throw missing("size") }
      return .known(n)
    case .symbol(let id):
      if let n = builder.fact(of: id).elements?.first?.known { return .known(n) }
      return .value(id)
    case .tensor(let id):
      return .value(
        try builder.apply(
          Reshape(), try cast(id, .int64), try builder.ints([1])))
    case .none: throw missing("size")
    }
  }
  /// The number that a size is; nil where it depends on the inputs.
  func known(_ size: TorchSize) -> Int? {
    switch size {
    case .known(let n): n
    case .value(let id): builder.fact(of: id).elements?.first?.known
    }
  }

  // MARK: Types

  func dtype(_ name: String = "dtype") throws(EngineError) -> DType? {
    guard case .scalarType(let n)? = argument(name) else { return nil }
    return try ScalarType.dtype(n)
  }
  /// The element type that the file states for result `i`.
  func resultType(_ i: Int = 0) -> DType? {
    let names = node.outputs.flatMap(\.names)
    guard i < names.count else { return nil }
    return graph.described[names[i]]?.dtype
  }
  /// The element type that the file states for the first result.
  ///
  /// Errors: `.malformed` where it states none.
  func result() throws(EngineError) -> DType {
    guard let dtype = resultType() else { throw missing("the result's element type") }
    return dtype
  }
}
