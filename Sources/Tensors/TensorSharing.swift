extension Tensor {
  /// Elements in row-major order, in the array's own memory: nothing is copied, and the memory
  /// lives as long as the tensor. Who changes the array afterwards changes a copy of it, as
  /// anywhere in Swift.
  ///
  /// `Tensor(shape:_:)` copies to memory aligned for the fastest kernels instead; sharing pays where
  /// the array is large and used once.
  ///
  /// Errors: `.shape` when `values.count` is not the product of `shape`.
  public init<T: Element>(shape: Shape, sharing values: [T]) throws(EngineError) {
    try shape.check(count: values.count, of: "elements")
    let owner = ArrayOwner(values)
    self.init(Storage(TensorType(T.dtype, shape), borrowing: owner.memory, owner: owner))
  }
}

/// Keeps an array, and with it the buffer object that its elements lie in, where they are.
private final class ArrayOwner<T: Element>: Sendable {
  private let values: [T]
  init(_ values: [T]) { self.values = values }

  var memory: UnsafeMutableRawPointer {
    values.withUnsafeBytes { $0.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) } }
      ?? Storage.empty
  }
}
