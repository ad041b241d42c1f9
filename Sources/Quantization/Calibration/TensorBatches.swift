import Graphs
import Runtime
import Tensors

/// Whole tensors cut into batches along their first axes.
///
/// An input whose first size the model leaves open gets up to `batch` rows at a time, one that
/// insists on a number of rows that many. An input of one such part goes with every batch.
public struct TensorBatches: CalibrationData {
  private let inputs: [(name: String, value: Tensor, step: Int?)]
  private let steps: Int
  private let rows: Int
  private let batch: Int

  /// - `tensors` by the names of the model's inputs; those that the model has none for are an error.
  /// - Errors: `.usage` for names that are no inputs and for inputs without a tensor; `.shape` where
  ///   tensors fit neither the model nor each other; `.dtype`.
  public init(
    _ tensors: [String: Tensor], for ports: [Session.Port], batch: Int = 8
  ) throws(EngineError) {
    self.batch = max(1, batch)
    for name in tensors.keys.sorted() where !ports.contains(where: { $0.name == name }) {
      throw EngineError(
        .usage, "the model has no input '\(name)'",
        expected: ports.map { "'\($0.name)'" }.joined(separator: ", "))
    }
    var list: [(name: String, value: Tensor, step: Int?)] = []
    var counts: [(name: String, parts: Int, fixed: Int?)] = []
    for port in ports {
      guard let t = tensors[port.name] else {
        if port.isOptional { continue }
        throw EngineError(
          .usage, "there are no data for input '\(port.name)'", expected: "\(port.type.text)",
          received: tensors.keys.sorted().joined(separator: ", "))
      }
      let first = try Self.check(t, port)
      let isCut = t.shape.rank > 0 && t.dtype != .string && t.dtype.byteSize > 0
      let size = isCut ? t.shape[0] : 1
      let fixed = isCut ? first : 1
      if let fixed {
        guard fixed > 0, size % fixed == 0, size > 0 else {
          throw EngineError(
            .shape, "the rows for input '\(port.name)' are no whole batches of \(fixed)",
            expected: port.type.text, received: "\(t.shape)")
        }
      }
      guard size > 0 else {
        throw EngineError(.shape, "there are no rows for input '\(port.name)'")
      }
      list.append((port.name, t, fixed))
      counts.append((port.name, fixed.map { size / $0 } ?? size, fixed))
    }
    let most = counts.map(\.parts).max() ?? 1
    for c in counts where c.parts != most && c.parts != 1 {
      throw EngineError(
        .shape, "inputs have different numbers of rows", expected: "\(most)",
        received: "\(c.parts) for '\(c.name)'")
    }
    inputs = zip(list, counts).map { (i, c) in
      (i.name, i.value, c.parts == most && most > 1 ? i.step ?? 0 : nil)
    }
    rows = most
    // Where one input insists on its rows, all go by that.
    let isFixed = counts.contains { $0.fixed != nil && $0.parts == most }
    steps = isFixed ? 1 : self.batch
  }

  /// The size that the model insists on along the first axis, nil where it is open.
  private static func check(_ t: Tensor, _ port: Session.Port) throws(EngineError) -> Int? {
    guard case .tensor(let dtype, let dims) = port.type else {
      throw EngineError(
        .unsupported, "input '\(port.name)' is \(port.type.text)", expected: "a tensor")
    }
    if let dtype, dtype != t.dtype {
      throw EngineError(
        .dtype, "the data for input '\(port.name)' have the wrong element type",
        expected: "\(dtype)", received: "\(t.dtype)")
    }
    guard let dims else { return nil }
    let fits =
      dims.count == t.shape.rank
      && dims.enumerated().dropFirst().allSatisfy { (i, d) in
        d.known.map { $0 == t.shape[i] } ?? true
      }
    guard fits else {
      throw EngineError(
        .shape, "the data for input '\(port.name)' have the wrong shape", expected: port.type.text,
        received: "\(t.shape)")
    }
    return dims.first?.known
  }

  public func forEachBatch(
    _ body: (_ inputs: [String: Tensor], _ rows: Int) throws(EngineError) -> Bool
  ) throws(EngineError) {
    var start = 0
    while start < rows {
      let count = min(steps, rows - start)
      var values: [String: Tensor] = [:]
      var taken = count
      for (name, value, step) in inputs {
        guard let step else {
          values[name] = value
          if rows == 1, value.shape.rank > 0 { taken = max(taken, value.shape[0]) }
          continue
        }
        let width = max(1, step)
        values[name] = try value.rows(in: start * width..<(start + count) * width)
        taken = max(taken, count * width)
      }
      if try !body(values, taken) { return }
      start += count
    }
  }
}
