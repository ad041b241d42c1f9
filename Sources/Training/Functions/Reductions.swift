import Graphs
import Operators
import Tensors

extension Tensor {
  /// The sum over `axes`, or over all; reduced axes go, or stay with size 1.
  public func sum(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceSum.self, axes, keepDims, file, line) }

  /// The mean over `axes`, or over all; reduced axes go, or stay with size 1.
  public func mean(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceMean.self, axes, keepDims, file, line) }

  /// The product over `axes`, or over all; reduced axes go, or stay with size 1.
  public func product(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceProd.self, axes, keepDims, file, line) }

  /// The largest element over `axes`, or over all; reduced axes go, or stay with size 1.
  public func max(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceMax.self, axes, keepDims, file, line) }

  /// The smallest element over `axes`, or over all; reduced axes go, or stay with size 1.
  public func min(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceMin.self, axes, keepDims, file, line) }

  /// The sum of magnitudes over `axes`, or over all; reduced axes go, or stay with size 1.
  public func l1Norm(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceL1.self, axes, keepDims, file, line) }

  /// The root of the sum of squares over `axes`, or over all; reduced axes go, or stay with size 1.
  public func l2Norm(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceL2.self, axes, keepDims, file, line) }

  /// The sum of squares over `axes`, or over all; reduced axes go, or stay with size 1.
  public func sumOfSquares(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceSumSquare.self, axes, keepDims, file, line) }

  /// The logarithm of the sum over `axes`, or over all; reduced axes go, or stay with size 1.
  public func logSum(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceLogSum.self, axes, keepDims, file, line) }

  /// `log(sum(e^x))`, without overflow, over `axes`, or over all; reduced axes go, or stay with
  /// size 1.
  public func logSumExp(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reduce(ReduceLogSumExp.self, axes, keepDims, file, line) }

  /// The mean square distance from the mean; `correction` 1 divides by `n - 1`.
  public func variance(
    axes: [Int]? = nil, correction: Int = 0, keepDims: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let centre = try mean(axes: axes, keepDims: true, file: file, line: line)
    let d = try self - centre
    let sum = try d.sumOfSquares(axes: axes, keepDims: keepDims, file: file, line: line)
    let n = try reducedCount(axes)
    return try sum / Double(n - correction)
  }

  /// The root of the variance.
  public func standardDeviation(
    axes: [Int]? = nil, correction: Int = 0, keepDims: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try variance(
      axes: axes, correction: correction, keepDims: keepDims, file: file, line: line
    ).squareRoot(file: file, line: line)
  }

  /// Where the first largest element lies along an axis: int64.
  public func argMax(
    axis: Int = -1, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      ArgMax(ArgOptions(axis: axis, keepDims: keepDims)), self, file, line)
  }

  /// Where the first smallest element lies along an axis: int64.
  public func argMin(
    axis: Int = -1, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      ArgMin(ArgOptions(axis: axis, keepDims: keepDims)), self, file, line)
  }

  /// Sums of the elements up to each, along an axis. The shape stays.
  public func cumulativeSum(
    axis: Int = -1, exclusive: Bool = false, reverse: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let place = try Tensor(scalar: Int64(axis))
    return try apply(
      CumSum(CumulativeOptions(isExclusive: exclusive, isReverse: reverse)), self, place, file, line
    )
  }

  /// Products of the elements up to each, along an axis. The shape stays.
  public func cumulativeProduct(
    axis: Int = -1, exclusive: Bool = false, reverse: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let place = try Tensor(scalar: Int64(axis))
    return try apply(
      CumProd(CumulativeOptions(isExclusive: exclusive, isReverse: reverse)), self, place, file,
      line)
  }

  /// Whether any bool is true.
  public func any(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let ones = try cast(to: .int32, file: file, line: line)
    return try ones.max(axes: axes, keepDims: keepDims, file: file, line: line).cast(
      to: .bool, file: file, line: line)
  }

  /// Whether all bools are true.
  public func all(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let ones = try cast(to: .int32, file: file, line: line)
    return try ones.min(axes: axes, keepDims: keepDims, file: file, line: line).cast(
      to: .bool, file: file, line: line)
  }

  /// How many elements are not 0: int64.
  public func countNonZero(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let flags = try cast(to: .bool, file: file, line: line).cast(to: .int64, file: file, line: line)
    return try flags.sum(axes: axes, keepDims: keepDims, file: file, line: line)
  }

  /// The elements divided by their norm along an axis. The shape stays.
  public func normalized(
    axis: Int = -1, p: Int = 2, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(LpNormalization(axis: axis, p: p), self, file, line) }

  /// The `k` largest (or smallest) elements along an axis, sorted, and their places: int64.
  public func topK(
    _ k: Int, axis: Int = -1, largest: Bool = true,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> (values: Tensor, indices: Tensor) {
    let results = try apply(
      TopK(axis: axis, isLargest: largest), [self, ints([k])], outputs: 2, file, line)
    return (results[0], results[1])
  }

  /// The elements in order along an axis. Gradients go where the elements came from.
  public func sorted(
    axis: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let place = try normalisedAxis(axis, rank: shape.rank)
    return try topK(
      shape[place], axis: axis, largest: descending, file: file, line: line
    ).values
  }

  /// The places of the elements in order along an axis: int64.
  public func argSorted(
    axis: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let place = try normalisedAxis(axis, rank: shape.rank)
    return try topK(
      shape[place], axis: axis, largest: descending, file: file, line: line
    ).indices
  }
}

extension Tensor {
  private func reduce<Op: Reduce>(
    _: Op.Type, _ axes: [Int]?, _ keepDims: Bool, _ file: StaticString, _ line: UInt
  ) throws(EngineError) -> Tensor {
    guard let axes else {
      return try apply(Op(ReduceAxes(keepDims: keepDims)), self, file, line)
    }
    if axes.isEmpty { return self }
    return try apply(Op(ReduceAxes(keepDims: keepDims)), self, ints(axes), file, line)
  }

  /// How many elements fold into one.
  func reducedCount(_ axes: [Int]?) throws(EngineError) -> Int {
    guard let axes else { return count }
    var n = 1
    for axis in axes { n *= shape[try normalisedAxis(axis, rank: shape.rank)] }
    return n
  }
}
