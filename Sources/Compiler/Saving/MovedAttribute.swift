import Graphs
import Tensors

/// An attribute that became an input in a later opset, so that a node can be written in the form
/// of either.
///
/// Source: the operator's versions in the ONNX standard.
struct MovedAttribute {
  let attribute: String
  /// The place of the input.
  let input: Int
  /// The first opset that has the input.
  let since: Int
  let form: Form

  enum Form {
    /// int64 `[n]`.
    case integers
    /// int64 `[1]` of one number.
    case integer
    /// int64 without axes.
    case integerScalar
    /// float32 `[n]`.
    case floats
    /// One number of the type of input 0, without axes.
    case likeData
    /// One float32 without axes.
    case float
  }

  static func all(_ node: Graph.Node) -> [MovedAttribute] {
    guard node.domain.isEmpty || node.domain == "ai.onnx" else { return [] }
    switch node.type {
    case "Squeeze", "Unsqueeze", "ReduceSum":
      return [.init("axes", 1, 13, .integers)]
    case _ where node.type.hasPrefix("Reduce"): return [.init("axes", 1, 18, .integers)]
    case "Reshape": return [.init("shape", 1, 5, .integers)]
    case "Clip": return [.init("min", 1, 11, .likeData), .init("max", 2, 11, .likeData)]
    case "Pad": return [.init("pads", 1, 11, .integers), .init("value", 2, 11, .likeData)]
    case "Slice":
      return [
        .init("starts", 1, 10, .integers), .init("ends", 2, 10, .integers),
        .init("axes", 3, 10, .integers),
      ]
    case "Split": return [.init("split", 1, 13, .integers)]
    case "TopK": return [.init("k", 1, 10, .integer)]
    case "Dropout": return [.init("ratio", 1, 12, .float)]
    case "DFT": return [.init("axis", 2, 20, .integerScalar)]
    case "Upsample": return [.init("scales", 1, 9, .floats)]
    default: return []
    }
  }

  private init(_ attribute: String, _ input: Int, _ since: Int, _ form: Form) {
    self.attribute = attribute
    self.input = input
    self.since = since
    self.form = form
  }

  /// The attribute's value as the input has it; nil where it is of another kind, or no number of
  /// the type `data` of input 0.
  func tensor(_ payload: Attribute.Payload, data: DType?) -> Tensor? {
    switch (form, payload) {
    case (.integers, .ints(let list)): return try? Tensor(shape: [list.count], list)
    case (.integer, .int(let v)): return try? Tensor(shape: [1], [v])
    case (.integerScalar, .int(let v)): return try? Tensor(scalar: v)
    case (.floats, .floats(let list)): return try? Tensor(shape: [list.count], list)
    case (.float, .float(let v)): return try? Tensor(scalar: v)
    case (.likeData, .float(let v)):
      switch data {
      case .float32: return try? Tensor(scalar: v)
      case .float64: return try? Tensor(scalar: Double(v))
      case .float16: return try? Tensor(scalar: Float16(v))
      case .bfloat16: return try? Tensor(scalar: BFloat16(v))
      case .int64: return Int64(exactly: v).flatMap { try? Tensor(scalar: $0) }
      case .int32: return Int32(exactly: v).flatMap { try? Tensor(scalar: $0) }
      default: return nil
      }
    default: return nil
    }
  }

  /// The input's value as the attribute has it; nil where that does not hold it.
  func payload(_ tensor: Tensor) -> Attribute.Payload? {
    switch form {
    case .integers:
      guard let list = Fact(constant: tensor).knownInts else { return nil }
      return .ints(list.map { Int64($0) })
    case .integer, .integerScalar:
      guard let list = Fact(constant: tensor).knownInts, list.count == 1 else { return nil }
      return .int(Int64(list[0]))
    case .floats:
      guard tensor.dtype == .float32 else { return nil }
      return .floats(Array(tensor.elements(Float.self)))
    case .likeData, .float:
      guard tensor.count == 1, let v = tensor.asDouble(0) else { return nil }
      let single = Float(v)
      return Double(single) == v ? .float(single) : nil
    }
  }
}
