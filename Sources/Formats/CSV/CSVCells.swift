import Tensors

/// A tensor's elements as cells: widened to the kinds of number that text has.
struct CSVCells {
  enum Elements {
    case float32([Float])
    case float64([Double])
    case integers([Int64])
    case unsigned([UInt64])
    case text([String])
  }
  let elements: Elements
  let rows: Int
  /// Cells of a row.
  let width: Int

  init(_ tensor: Tensor) throws(EngineError) {
    rows = tensor.shape.rank == 0 ? 1 : tensor.shape[0]
    width = tensor.shape.rank == 0 ? 1 : tensor.shape.count(of: 1..<tensor.shape.rank)
    elements =
      switch tensor.dtype {
      case .float32: .float32(Array(tensor.elements(Float.self)))
      case .float16: .float32(tensor.elements(Float16.self).map { Float($0) })
      case .bfloat16: .float32(tensor.elements(BFloat16.self).map { $0.float })
      case .float64: .float64(Array(tensor.elements(Double.self)))
      case .uint64: .unsigned(Array(tensor.elements(UInt64.self)))
      case .string: .text(tensor.strings)
      default: .integers(try Integers.widened(tensor))
      }
  }
}
