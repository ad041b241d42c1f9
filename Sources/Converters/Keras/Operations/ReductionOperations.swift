import Graphs
import Operators
import Tensors

/// Operations that fold axes, and running sums.
extension OperationLayer {
  private static func fold<Op: Reduce>(_: Op.Type, isReal: Bool) -> Rule {
    { (c) throws(EngineError) in
      let x = try c.operand()
      return .id(try c.folded(Op.self, isReal ? try c.floating(x) : try c.countable(x)))
    }
  }

  private static func test(isAll: Bool) -> Rule {
    { (c) throws(EngineError) in
      let x = try c.cast(try c.cast(try c.operand(), to: .bool), to: .int32)
      let y = isAll ? try c.folded(ReduceMin.self, x) : try c.folded(ReduceMax.self, x)
      return .id(try c.cast(y, to: .bool))
    }
  }

  private static func place(isMax: Bool) -> Rule {
    { (c) throws(EngineError) in
      var x = try c.operand()
      let keeps = c.truth(2, "keepdims")
      var axis = 0
      if let axes = try c.axes() { axis = axes[0] } else { x = try c.reshape(x, [-1]) }
      let options = ArgOptions(axis: axis, keepDims: keeps)
      let y = isMax ? try c.b.apply(ArgMax(options), x) : try c.b.apply(ArgMin(options), x)
      return .id(try c.cast(y, to: .int32))
    }
  }

  private static func spread(isRoot: Bool) -> Rule {
    { (c) throws(EngineError) in
      let y = try c.variance(try c.floating(try c.operand()))
      return .id(isRoot ? try c.b.apply(Sqrt(), y) : y)
    }
  }

  static let reduction: [String: Rule] = [
    "Sum": fold(ReduceSum.self, isReal: false), "Prod": fold(ReduceProd.self, isReal: false),
    "Mean": fold(ReduceMean.self, isReal: true),
    "Max": fold(ReduceMax.self, isReal: false), "Min": fold(ReduceMin.self, isReal: false),
    "Amax": fold(ReduceMax.self, isReal: false), "Amin": fold(ReduceMin.self, isReal: false),
    "Logsumexp": fold(ReduceLogSumExp.self, isReal: true),
    "All": test(isAll: true), "Any": test(isAll: false),
    "Argmax": place(isMax: true), "Argmin": place(isMax: false),
    "Var": spread(isRoot: false), "Std": spread(isRoot: true),
    "CountNonzero": { (c) throws(EngineError) in
      let x = try c.operand()
      let isZero = try c.b.apply(Equal(), x, try c.number(0, like: x))
      return .id(
        try c.folded(ReduceSum.self, try c.cast(try c.not(isZero), to: .int32)))
    },
    "Ptp": { (c) throws(EngineError) in
      let x = try c.operand()
      return .id(try c.sub(try c.folded(ReduceMax.self, x), try c.folded(ReduceMin.self, x)))
    },
    "Moments": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      let axes = try c.axes(of: x, "axes")
      let keeps = c.truth(2, "keepdims")
      let mean = try c.reduce(ReduceMean.self, x, axes, keepDims: true)
      let centred = try c.sub(x, mean)
      let variance = try c.reduce(
        ReduceMean.self, try c.mul(centred, centred), axes, keepDims: keeps)
      return .list([.id(keeps ? mean : try c.squeeze(mean, axes)), .id(variance)])
    },
    "Average": { (c) throws(EngineError) in
      guard c.argument(1, "weights") == nil else { throw c.unsupported("weights") }
      return .id(try c.folded(ReduceMean.self, try c.floating(try c.operand())))
    },
    "Norm": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      let order = c.plain(1, "ord")
      let axes = try c.axes(2, "axis")
      guard axes.map({ $0.count == 1 }) ?? (order == nil) else {
        throw c.unsupported("norms of matrices are not converted")
      }
      let all = try c.axes(of: x, at: 2)
      let keeps = c.truth(3, "keepdims")
      switch order?.asDouble {
      case 1: return .id(try c.reduce(ReduceL1.self, x, all, keepDims: keeps))
      case nil where order == nil, 2:
        return .id(try c.reduce(ReduceL2.self, x, all, keepDims: keeps))
      case Double.infinity:
        return .id(
          try c.reduce(ReduceMax.self, try c.b.apply(Abs(), x), all, keepDims: keeps))
      default: throw c.unsupported("its order of norm is not converted")
      }
    },
    "Cumsum": { (c) throws(EngineError) in
      var x = try c.countable(try c.operand())
      var axis = 0
      if let axes = try c.axes() { axis = axes[0] } else { x = try c.reshape(x, [-1]) }
      return .id(try c.b.apply(CumSum(CumulativeOptions()), x, try c.b.scalar(axis)))
    },
  ]
}

extension LayerCall {
  /// Booleans as int32, as sums and products count them.
  func countable(_ x: ValueID) throws(EngineError) -> ValueID {
    b.dtype(x) == .bool ? try cast(x, to: .int32) : x
  }

  /// The fold over the axes of the configuration, channels first where that saves a transpose.
  func folded<Op: Reduce>(_: Op.Type, _ x: ValueID) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    var axes: [Int] = []
    for a in try self.axes() ?? Array(0..<rank) { axes.append(try axis(a, rank: rank)) }
    axes.sort()
    let keeps = truth(2, "keepdims")
    if axes == Array(1..<Swift.max(rank - 1, 1)), let first = b.channelsFirstTwin(x) {
      let y = try reduce(Op.self, first, Array(2..<rank), keepDims: keeps)
      return keeps ? try b.channelsLast(y) : y
    }
    if axes.isEmpty { return x }
    return try reduce(Op.self, x, axes, keepDims: keeps)
  }

  /// The axes of the configuration, or all of `x`.
  func axes(
    of x: ValueID, _ key: String = "axis", at index: Int = 1
  ) throws(EngineError) -> [Int] {
    if let list = try axes(index, key) { return list }
    return Array(0..<(try rank(x)))
  }

  fileprivate func variance(_ x: ValueID) throws(EngineError) -> ValueID {
    let axes = try axes(of: x)
    let centred = try sub(x, try reduce(ReduceMean.self, x, axes, keepDims: true))
    return try reduce(
      ReduceMean.self, try mul(centred, centred), axes, keepDims: truth(2, "keepdims"))
  }
}
