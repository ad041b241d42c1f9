import Graphs
import Tensors

/// Operators that hold graphs.
enum Control {
  static let operators: [any Operator.Type] = [
    If.self,
    Loop.self,
    Scan.self,
  ]
}

/// What is certain of a value that comes from one of two places.
func merged(_ a: Fact, _ b: Fact) -> Fact { Fact(common(a.type, b.type)) }

private func common(_ a: ValueType, _ b: ValueType) -> ValueType {
  switch (a, b) {
  case _ where a == b: return a
  case (.tensor(let d, let x), .tensor(let e, let y)):
    let dtype = d == e ? d : nil
    guard let x, let y, x.count == y.count else { return .tensor(dtype, nil) }
    var dims: [Dim] = []
    for i in x.indices {
      // Different sizes become a symbol of both, so that it stays the same wherever it occurs.
      dims.append(x[i] == y[i] ? x[i] : Dim(symbol: "either(\(x[i]),\(y[i]))"))
    }
    return .tensor(dtype, dims)
  case (.sequence(let x), .sequence(let y)): return .sequence(common(x, y))
  case (.optional(let x), .optional(let y)): return .optional(common(x, y))
  default: return .tensor(nil, nil)
  }
}

private func common(_ a: ValueType?, _ b: ValueType?) -> ValueType? {
  guard let a, let b else { return nil }
  return common(a, b)
}

/// The fact without what holds for one moment only: contents.
func contentsForgotten(_ fact: Fact?) -> Fact? { fact.map { Fact($0.type) } }

/// The types of values that are all tensors with bytes; nil where one is not.
func tensorTypes(_ values: [Value?]) -> [TensorType]? {
  var types: [TensorType] = []
  for v in values {
    guard case .tensor(let t)? = v, t.dtype != .string else { return nil }
    types.append(t.type)
  }
  return types
}
