import Graphs
import Operators
import Tensors

/// An operand of elementwise arithmetic: a tensor, a number, or a number that is computed.
enum TorchOperand {
  case tensor(ValueID)
  case number(TorchNumber)
  case symbol(ValueID)
}

extension TorchCall {
  func operand(_ name: String) throws(EngineError) -> TorchOperand {
    switch argument(name) {
    case .tensor(let value)?: return try operand(try graph.value(value), name)
    case .scalar(let scalar)?: return try operand(try graph.value(scalar), name)
    default:
      throw EngineError(.malformed, "'\(name)' is missing, or neither tensor nor number")
    }
  }
  private func operand(_ value: TorchValue, _ name: String) throws(EngineError) -> TorchOperand {
    switch value {
    case .tensor(let id): return .tensor(id)
    case .number(let n): return .number(n)
    case .symbol(let id): return .symbol(id)
    case .none: throw EngineError(.malformed, "'\(name)' has no value")
    }
  }

  /// The type in which PyTorch computes on these operands.
  func promoted(_ operands: [TorchOperand]) -> DType {
    var promotion = TorchPromotion()
    for operand in operands {
      switch operand {
      case .tensor(let id):
        promotion.add(builder.dtype(id) ?? .float32, rank: builder.fact(of: id).rank)
      case .number(let n): promotion.add(number: n.dtype)
      case .symbol(let id): promotion.add(number: builder.dtype(id) ?? .int64)
      }
    }
    return promotion.result
  }

  /// The operand as a tensor of `dtype`.
  func value(_ operand: TorchOperand, _ dtype: DType) throws(EngineError) -> ValueID {
    switch operand {
    case .tensor(let id): return try cast(id, dtype)
    case .number(let n): return try constant(n, dtype)
    case .symbol(let id): return try cast(try unsqueezed(id), dtype)
    }
  }

  /// Both operands in the type that they are computed in.
  func pair(
    _ first: String = "self", _ second: String = "other", least: DType? = nil
  ) throws(EngineError) -> (ValueID, ValueID) {
    let (a, b) = (try operand(first), try operand(second))
    let dtype = least ?? promoted([a, b])
    return (try value(a, dtype), try value(b, dtype))
  }
}
