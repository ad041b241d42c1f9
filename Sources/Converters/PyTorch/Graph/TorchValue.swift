import Graphs
import Tensors

/// What a name of an exported graph stands for while the graph is converted.
enum TorchValue: Sendable {
  case tensor(ValueID)
  /// A number that is computed: a tensor of one element, `[1]`, of int64, float32 or bool.
  case symbol(ValueID)
  case number(TorchNumber)
  /// None, or a result that nothing may use.
  case none
}

/// A Python number.
enum TorchNumber: Sendable, Hashable {
  case int(Int)
  case float(Double)
  case bool(Bool)

  var double: Double {
    switch self {
    case .int(let v): Double(v)
    case .float(let v): v
    case .bool(let v): v ? 1 : 0
    }
  }

  /// The whole number that it is; nil for others.
  var int: Int? {
    switch self {
    case .int(let v): v
    case .float(let v): Int(exactly: v)
    case .bool(let v): v ? 1 : 0
    }
  }

  /// The element type that PyTorch gives a tensor made of it.
  var dtype: DType {
    switch self {
    case .int: .int64
    case .float: .float32
    case .bool: .bool
    }
  }
}

/// A size: known, or computed as an int64 tensor `[1]`.
enum TorchSize: Sendable {
  case known(Int)
  case value(ValueID)

  var known: Int? { if case .known(let n) = self { n } else { nil } }
}
