import Formats
import Tensors

/// A TensorFlow Lite model: `Model` of its schema (1 operator codes, 2 subgraphs, 4 buffers,
/// 7 signatures).
struct LiteModel {
  struct Signature {
    let key: String
    let subgraph: Int
    /// Names by the numbers of tensors.
    let inputs: [Int: String]
    let outputs: [Int: String]
  }

  /// Name or number of each operator code.
  let operators: [String]
  let graphs: [LiteGraph]
  let signatures: [Signature]
  private let buffers: [FlatTable]
  private let file: FileBytes

  /// Errors: `.malformed`, `.budget`; `.invalidModel` for numbers that point nowhere.
  init(_ file: FileBytes) throws(EngineError) {
    self.file = file
    let root = try FlatTable(root: file, identifier: "TFL3")
    guard try root.uint(0) == 3 else {
      throw EngineError(
        .unsupported, "the model has another version of the schema", expected: "3",
        received: "\(try root.uint(0))")
    }
    var names: [String] = []
    for code in try root.tables(1) {
      // The old field is a byte; what is beyond it stands in the new one.
      let number = max(try code.int8(0), try code.int(3))
      names.append(
        number == LiteBuiltin.custom
          ? "custom " + (try code.string(1)) : LiteBuiltin.name(number))
    }
    operators = names
    buffers = try root.tables(4)
    var made: [LiteGraph] = []
    for graph in try root.tables(2, limit: 10_000) {
      made.append(try LiteGraph(graph, operatorCount: names.count, bufferCount: buffers.count))
    }
    guard !made.isEmpty else { throw EngineError(.invalidModel, "the model holds no graph") }
    graphs = made
    var signed: [Signature] = []
    for s in try root.tables(7, limit: 10_000) {
      func ports(_ i: Int) throws(EngineError) -> [Int: String] {
        var list: [Int: String] = [:]
        for p in try s.tables(i) { list[try p.uint(1)] = try p.string(0) }
        return list
      }
      let graph = try s.uint(4)
      guard graph < made.count else {
        throw EngineError(.invalidModel, "a signature belongs to no graph")
      }
      signed.append(
        Signature(
          key: try s.string(2), subgraph: graph, inputs: try ports(0), outputs: try ports(1)))
    }
    signatures = signed
  }

  /// The contents of a constant; nil for tensors that are computed.
  ///
  /// Errors: `.malformed` where the bytes do not fit; `.unsupported` for types that are not read.
  func constant(_ tensor: LiteTensor) throws(EngineError) -> Tensor? {
    guard tensor.buffer > 0, tensor.buffer < buffers.count else { return nil }
    let buffer = buffers[tensor.buffer]
    var range = try buffer.vector(0, width: 1) ?? 0..<0
    if range.isEmpty {
      // Models beyond 2 GB keep their bytes behind the flatbuffer.
      let (offset, size) = (try buffer.ulong(1), try buffer.ulong(2))
      guard offset > 1, size > 0 else { return try empty(tensor) }
      guard let start = Int(exactly: offset), let count = Int(exactly: size),
        start <= file.bytes.count, count <= file.bytes.count - start
      else { throw EngineError(.malformed, "a buffer lies outside the file") }
      range = start..<(start + count)
    }
    guard !tensor.isSparse else {
      throw EngineError(
        .unsupported, "sparse weights are not read", subject: .init(node: tensor.name))
    }
    let shape = try Shape(checking: tensor.shape.map { max($0, 0) })
    if tensor.dtype == .string { return try LiteStrings.tensor(file, range, shape) }
    guard let dtype = tensor.dtype else {
      throw EngineError(
        .unsupported, "a constant has a type without tensors", subject: .init(node: tensor.name))
    }
    let type = TensorType(dtype, shape)
    guard range.count == type.byteCount else {
      throw EngineError(
        .malformed, "a constant has the wrong number of bytes for \(type)",
        expected: "\(type.byteCount)", received: "\(range.count)",
        subject: .init(node: tensor.name))
    }
    return try Tensor.reading(type, range, of: file)
  }

  /// A tensor without elements, which has no bytes either; nil for others.
  private func empty(_ tensor: LiteTensor) throws(EngineError) -> Tensor? {
    guard tensor.shape.contains(0), let dtype = tensor.dtype, dtype != .string else { return nil }
    return try Tensor(TensorType(dtype, try Shape(checking: tensor.shape))) { _ in }
  }

  /// Errors: `.usage` naming those there are.
  func signature(_ name: String?) throws(EngineError) -> Signature? {
    if let name {
      guard let found = signatures.first(where: { $0.key == name }) else {
        throw EngineError(
          .usage, "the model has no signature '\(name)'",
          expected: "one of \(signatures.map(\.key).joined(separator: ", "))")
      }
      return found
    }
    return signatures.first { $0.key == "serving_default" }
      ?? (signatures.count == 1 ? signatures[0] : nil)
  }
}

/// Strings of a buffer: their number, their places and the end, then their bytes.
enum LiteStrings {
  static func tensor(
    _ file: FileBytes, _ range: Range<Int>, _ shape: Shape
  ) throws(EngineError) -> Tensor {
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    guard let count = bytes.little(Int32.self, at: 0), Int(count) == shape.count,
      bytes.slice(4, 4 * (shape.count + 1)) != nil
    else { throw EngineError(.malformed, "a constant of strings does not fit its shape") }
    var values: [String] = []
    for i in 0..<shape.count {
      let start = Int(bytes.little(Int32.self, at: 4 + 4 * i) ?? 0)
      let end = Int(bytes.little(Int32.self, at: 8 + 4 * i) ?? 0)
      guard end >= start, let text = bytes.slice(start, end - start) else {
        throw EngineError(.malformed, "a string lies outside its buffer")
      }
      values.append(String(decoding: text, as: UTF8.self))
    }
    return try Tensor(shape: shape, strings: values)
  }
}
