import Tensors

/// Writes one tensor as JSON.
struct JSONElements {
  private enum Cells {
    case plain(CSVCells)
    case bools([Bool])
    case pairs([Double])
    case narrowPairs([Float])
  }
  private let cells: Cells
  private let tensor: Tensor

  /// Errors: `.dtype` for a type that has no form as text.
  init(_ tensor: Tensor) throws(EngineError) {
    self.tensor = tensor
    switch tensor.dtype {
    case .bool: cells = .bools(tensor.rawBytes.map { $0 != 0 })
    case .complex64:
      cells = .narrowPairs(
        tensor.withUnsafeBytes { Array($0.assumingMemoryBound(to: Float.self)) })
    case .complex128:
      cells = .pairs(tensor.withUnsafeBytes { Array($0.assumingMemoryBound(to: Double.self)) })
    default: cells = .plain(try CSVCells(tensor))
    }
  }

  func write(to writer: inout JSONWriter) throws(EngineError) {
    if readsBackNested {
      nested(0, 0, &writer)
      return
    }
    writer.raw("{\"dtype\": ")
    writer.write("\(tensor.dtype)")
    writer.raw(", \"shape\": ")
    writer.write(.array(tensor.shape.array.map { .int(Int64($0)) }))
    writer.raw(", \"data\": [")
    for i in 0..<tensor.count {
      if i > 0 { writer.raw(", ") }
      element(i, &writer)
    }
    writer.raw("]}")
  }

  /// Whether nested arrays alone would be read as this type and shape.
  private var readsBackNested: Bool {
    guard tensor.count > 0 else { return false }
    switch (tensor.dtype, cells) {
    case (.int64, _), (.bool, _), (.string, _): return true
    case (.float32, .plain(let list)):
      if case .float32(let floats) = list.elements { return floats.contains { $0.isFinite } }
      return false
    default: return false
    }
  }

  private func nested(_ axis: Int, _ from: Int, _ writer: inout JSONWriter) {
    guard axis < tensor.shape.rank else { return element(from, &writer) }
    let step = tensor.shape.count(of: (axis + 1)..<tensor.shape.rank)
    writer.raw("[")
    for i in 0..<tensor.shape[axis] {
      if i > 0 { writer.raw(", ") }
      nested(axis + 1, from + i * step, &writer)
    }
    writer.raw("]")
  }

  private func element(_ i: Int, _ writer: inout JSONWriter) {
    switch cells {
    case .bools(let list): writer.write(.bool(list[i]))
    case .pairs(let list):
      writer.raw("[")
      writer.write(list[2 * i])
      writer.raw(", ")
      writer.write(list[2 * i + 1])
      writer.raw("]")
    case .narrowPairs(let list):
      writer.raw("[")
      writer.write(list[2 * i])
      writer.raw(", ")
      writer.write(list[2 * i + 1])
      writer.raw("]")
    case .plain(let list):
      switch list.elements {
      case .float32(let values): writer.write(values[i])
      case .float64(let values): writer.write(values[i])
      case .integers(let values): writer.write(.int(values[i]))
      case .unsigned(let values):
        writer.write(values[i] > UInt64(Int64.max) ? .unsigned(values[i]) : .int(Int64(values[i])))
      case .text(let values): writer.write(values[i])
      }
    }
  }
}
