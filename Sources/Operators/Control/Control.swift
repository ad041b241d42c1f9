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
func merged(_ a: Fact, _ b: Fact) -> Fact {
  if case .tensor(let d, let x) = a.type, case .tensor(let e, let y) = b.type {
    let dtype = d == e ? d : nil
    guard let x, let y, x.count == y.count else { return Fact(dtype, nil) }
    var dims: [Dim] = []
    for i in x.indices {
      // Different sizes become a symbol of both, so that it stays the same wherever it occurs.
      dims.append(x[i] == y[i] ? x[i] : Dim(symbol: "either(\(x[i]),\(y[i]))"))
    }
    return Fact(dtype, dims)
  }
  return a.type == b.type ? Fact(a.type) : Fact(.optional(nil))
}

/// The fact without what holds for one moment only: contents.
func contentsForgotten(_ fact: Fact?) -> Fact? { fact.map { Fact($0.type) } }
