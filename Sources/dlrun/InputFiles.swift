import Formats
import Graphs
import Runtime
import Tensors

/// Input arguments of a command: one file, or `name=FILE` several times.
struct InputFiles {
  /// Files with the input they are for; nil where the file itself decides.
  let files: [(name: String?, path: String)]

  init(arguments: [String]) throws(EngineError) {
    var files: [(String?, String)] = []
    for a in arguments {
      // A path may hold a `=`: only what looks like a name in front of it counts.
      if let i = a.firstIndex(of: "="), i > a.startIndex, !a[..<i].contains("/") {
        files.append((String(a[..<i]), String(a[a.index(after: i)...])))
      } else {
        files.append((nil, a))
      }
    }
    if files.count > 1, files.contains(where: { $0.0 == nil }) {
      throw EngineError(
        .usage, "several input files need names", expected: "name=FILE for each",
        received: arguments.joined(separator: " "))
    }
    self.files = files
  }

  /// Whether a file is read row by row.
  static func isTable(_ path: String) -> Bool {
    path == "-" || path.hasSuffix(".csv") || path.hasSuffix(".tsv")
  }

  /// The one table that holds everything, if that is what was given.
  var table: String? {
    files.count == 1 && files[0].name == nil && Self.isTable(files[0].path) ? files[0].path : nil
  }

  /// Every input of the model from the files.
  func values(for session: Session) throws(EngineError) -> [String: Value] {
    if let table {
      let rows = try TableInput(path: table, session: session)
      guard let batch = try rows.next(rows: .max) else {
        throw EngineError(.malformed, "there are no rows", subject: .init(file: table))
      }
      return batch.mapValues { .tensor($0) }
    }
    var values: [String: Value] = [:]
    for (name, path) in files {
      if let name {
        let port = try port(named: name, session, path)
        if Self.isTable(path) {
          let rows = try TableInput(path: path, session: session, port: port)
          values[name] = try rows.next(rows: .max)?[name].map { .tensor($0) }
          continue
        }
      }
      let read = try TensorFile.read(path)
      for (i, entry) in read.enumerated() {
        let target: String
        if let name {
          guard read.count == 1 else {
            throw EngineError(
              .usage, "'\(name)' is given a file with several tensors", expected: "one",
              received: "\(read.count)", subject: .init(file: path))
          }
          target = name
        } else if let given = entry.name, session.inputs.contains(where: { $0.name == given }) {
          target = given
        } else if entry.name != nil, read.count > 1 || session.inputs.count > 1 {
          // Archives often hold more than the inputs, the expected outputs for one.
          continue
        } else {
          guard i < session.inputs.count else { continue }
          target = session.inputs[i].name
        }
        let port = try port(named: target, session, path)
        values[target] = try inFile(path) { () throws(EngineError) in
          try port.fit(.tensor(entry.value))
        }
      }
    }
    return values
  }

  private func port(
    named name: String, _ session: Session, _ path: String
  ) throws(EngineError) -> Session.Port {
    guard let port = session.inputs.first(where: { $0.name == name }) else {
      throw EngineError(
        .usage, "the model has no input '\(name)'",
        expected: session.inputs.map { "'\($0.name)'" }.joined(separator: ", "),
        subject: .init(file: path))
    }
    return port
  }
}

extension Session.Port {
  /// `value` as this port takes it: dtypes that hold every value of the given one are converted.
  func fit(_ value: Value) throws(EngineError) -> Value {
    guard case .tensor(let t) = value, case .tensor(let dtype?, let dims) = type else {
      return value
    }
    var tensor = t
    if t.dtype != dtype { tensor = try converted(t, to: dtype) }
    if let dims, dims.count != tensor.shape.rank, let shape = reshaping(tensor.shape, to: dims) {
      tensor = try tensor.reshaped(shape)
    }
    return .tensor(tensor)
  }

  /// A shape of the declared rank for a row-major table of the same elements.
  private func reshaping(_ shape: Shape, to dims: [Dim]) -> Shape? {
    guard shape.rank == 2, dims.count > 2 || dims.count == 1 else { return nil }
    var sizes: [Int] = [shape[0]]
    for d in dims.dropFirst() {
      guard let n = d.known else { return nil }
      sizes.append(n)
    }
    guard let made = try? Shape(checking: sizes), made.count == shape.count else { return nil }
    return made
  }

  private func converted(_ t: Tensor, to dtype: DType) throws(EngineError) -> Tensor {
    func refuse() -> EngineError {
      EngineError(
        .dtype, "input '\(name)' has the wrong element type", expected: "\(dtype)",
        received: "\(t.dtype)", hint: "convert the file")
    }
    guard let x = t.doubles else { throw refuse() }
    switch dtype {
    case .float32: return try Tensor(shape: t.shape, x.map { Float($0) })
    case .float64: return try Tensor(shape: t.shape, x)
    case .float16: return try Tensor(shape: t.shape, x.map { Float16($0) })
    case .int64, .int32, .uint8, .int8:
      for v in x where v != v.rounded() || abs(v) > 9e15 { throw refuse() }
      switch dtype {
      case .int64: return try Tensor(shape: t.shape, x.map { Int64($0) })
      case .int32:
        guard x.allSatisfy({ Int32(exactly: $0) != nil }) else { throw refuse() }
        return try Tensor(shape: t.shape, x.map { Int32($0) })
      case .uint8:
        guard x.allSatisfy({ UInt8(exactly: $0) != nil }) else { throw refuse() }
        return try Tensor(shape: t.shape, x.map { UInt8($0) })
      default:
        guard x.allSatisfy({ Int8(exactly: $0) != nil }) else { throw refuse() }
        return try Tensor(shape: t.shape, x.map { Int8($0) })
      }
    default: throw refuse()
    }
  }
}
