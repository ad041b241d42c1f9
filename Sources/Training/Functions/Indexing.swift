import Graphs
import Operators
import Tensors

extension Tensor {
  /// The slices at `indices` (int32 or int64; negative from the end) along an axis. Gradients of
  /// a slice that is taken twice add up.
  public func gather(
    _ indices: Tensor, axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Gather(axis: axis), self, indices, file, line) }

  /// For each index the element at that place along an axis; the shape of `indices`.
  public func takeAlongAxis(
    _ indices: Tensor, axis: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(GatherElements(axis: axis), self, indices, file, line)
  }

  /// The slices at tuples of indices along the last axis of `indices`.
  public func gatherND(
    _ indices: Tensor, batchAxes: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(GatherND(batchAxes: batchAxes), self, indices, file, line)
  }

  /// The tensor with `updates` written, or combined, at `indices` along an axis.
  public func scatter(
    _ indices: Tensor, _ updates: Tensor, axis: Int = -1, reduction: ScatterReduction = .none,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      ScatterElements(axis: axis, reduction: reduction), self, indices, updates, file, line)
  }

  /// The tensor with slices written, or combined, at tuples of indices.
  public func scatterND(
    _ indices: Tensor, _ updates: Tensor, reduction: ScatterReduction = .none,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(ScatterND(reduction: reduction), self, indices, updates, file, line)
  }

  /// 1 at each index along a new axis of `depth` elements, 0 elsewhere.
  public func oneHot(
    _ depth: Int, dtype: DType = .float32, axis: Int = -1,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let values = try Tensor([0, 1] as [Float]).cast(to: dtype)
    return try apply(
      OneHot(axis: axis), self, Tensor(scalar: Int64(depth)), values, file, line)
  }

  /// The slice at place `i` of an axis, without the axis.
  public func element(
    _ i: Int, axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try gather(Tensor(scalar: Int64(i)), axis: axis, file: file, line: line)
  }

  /// The places of elements that are not 0: int64 `[rank, count]`. Its size depends on the data.
  public func nonZero(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(NonZero(), self, file, line) }

  /// The slices where `mask` is true. The size depends on the data.
  public func compressed(
    _ mask: Tensor, axis: Int? = nil, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Compress(axis: axis), self, mask, file, line) }

  /// The distinct elements, sorted.
  public func unique(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      Unique(), [self], outputs: 1, file, line)[0]
  }

  /// Sums of rows that share a number of `segments`, int64 `[rows]`: `[count, ...]`.
  public func segmentSum(
    _ segments: Tensor, count: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    var sizes = shape.array
    sizes[0] = count
    let start = try Tensor.zeros(sizes, dtype: dtype)
    let places = try segments.expandDims(at: -1, file: file, line: line)
    return try start.scatterND(places, self, reduction: .add, file: file, line: line)
  }

  /// The elements, with `value` where `mask` is true.
  public func maskedFill(
    _ mask: Tensor, _ value: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Where(), mask, constant(value, dtype), self, file, line)
  }
}
