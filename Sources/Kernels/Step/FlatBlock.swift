import Tensors

/// Memory for many tensors of one element type side by side, such as all parameters of a model:
/// what an optimiser walks in one pass.
public final class FlatBlock: Sendable {
  public let dtype: DType
  public let count: Int
  let storage: Storage

  /// `count` elements, all `value`.
  ///
  /// Errors: `.dtype` for other than float32 and float64; `.budget` without memory.
  public init(_ dtype: DType, count: Int, filledWith value: Double = 0) throws(EngineError) {
    guard dtype == .float32 || dtype == .float64 else {
      throw EngineError(
        .dtype, "parameters of this element type cannot be updated",
        expected: "float32 or float64", received: "\(dtype)")
    }
    self.dtype = dtype
    self.count = count
    storage = try Storage(TensorType(dtype, [count]))
    if dtype == .float32 {
      storage.bytes.initializeMemory(as: Float.self, repeating: Float(value), count: count)
    } else {
      storage.bytes.initializeMemory(as: Double.self, repeating: value, count: count)
    }
  }

  /// Where element `i` lies.
  public func address(_ i: Int) -> UnsafeMutableRawPointer {
    precondition(i >= 0 && i <= count, "an element beyond a block")
    return storage.bytes + i * dtype.byteSize
  }

  /// The elements from `start` as a tensor that shares the memory and keeps it alive. They must
  /// not change any more while it is in use.
  public func tensor(_ shape: Shape, from start: Int) -> Tensor {
    precondition(start + shape.count <= count, "a tensor beyond a block")
    return Tensor(
      Storage(TensorType(dtype, shape), borrowing: address(start), owner: self))
  }

  /// Copies a tensor's elements to `start`. Its element type must be the block's.
  public func copy(_ tensor: Tensor, to start: Int) {
    precondition(tensor.dtype == dtype && start + tensor.count <= count, "a copy beyond a block")
    address(start).copyMemory(from: tensor.storage.bytes, byteCount: tensor.byteCount)
  }

  /// A tensor of its own with the elements from `start`.
  public func copied(_ shape: Shape, from start: Int) throws(EngineError) -> Tensor {
    precondition(start + shape.count <= count, "a tensor beyond a block")
    return try Tensor(TensorType(dtype, shape)) { (bytes) throws(EngineError) in
      bytes.copyMemory(
        from: UnsafeRawBufferPointer(start: address(start), count: shape.count * dtype.byteSize))
    }
  }
}
