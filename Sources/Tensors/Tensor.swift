/// An n-dimensional array: a value of two words. Contents never change once it is made.
///
/// `slot` is the tensor's place on the current gradient tape, or -1.
@frozen public struct Tensor: Sendable {
  public let storage: Storage
  public let slot: Int

  @inlinable public init(_ storage: Storage, slot: Int = -1) {
    self.storage = storage
    self.slot = slot
  }

  @inlinable public var type: TensorType { storage.type }
  @inlinable public var dtype: DType { storage.type.dtype }
  @inlinable public var shape: Shape { storage.type.shape }
  @inlinable public var count: Int { storage.type.shape.count }
  @inlinable public var byteCount: Int { storage.type.byteCount }
  /// The elements' bytes in row-major order; empty for strings.
  @inlinable public var rawBytes: TensorBytes {
    TensorBytes(storage, count: storage.type.byteCount)
  }
  /// Lends the elements' bytes for as long as `body` runs.
  @inlinable public func withUnsafeBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeRawBufferPointer(start: storage.bytes, count: storage.type.byteCount))
  }
  /// The elements of a string tensor in row-major order.
  @inlinable public var strings: [String] { storage.strings }
}

extension Tensor {
  /// A tensor whose bytes `fill` writes, all of them.
  public init(
    _ type: TensorType, fill: (UnsafeMutableRawBufferPointer) throws(EngineError) -> Void
  ) throws(EngineError) {
    let storage = try Storage(type)
    try fill(UnsafeMutableRawBufferPointer(start: storage.bytes, count: type.byteCount))
    self.init(storage)
  }

  /// Elements in row-major order.
  ///
  /// Errors: `.shape` when `values.count` is not the product of `shape`.
  public init<T: Element>(shape: Shape, _ values: [T]) throws(EngineError) {
    try shape.check(count: values.count, of: "elements")
    try self.init(TensorType(T.dtype, shape)) { (bytes) throws(EngineError) in
      values.withUnsafeBytes { bytes.copyMemory(from: $0) }
    }
  }

  public init(shape: Shape, strings: [String]) throws(EngineError) {
    try shape.check(count: strings.count, of: "strings")
    self.init(Storage(shape, strings: strings))
  }

  /// A tensor without axes.
  public init<T: Element>(scalar value: T) throws(EngineError) { try self.init(shape: [], [value]) }
  public init<T: Element>(_ values: [T]) throws(EngineError) {
    try self.init(shape: [values.count], values)
  }
  /// Rows of equal length.
  public init(_ rows: [[Float]]) throws(EngineError) {
    let width = rows.first?.count ?? 0
    for row in rows where row.count != width {
      throw EngineError(
        .shape, "rows differ in length", expected: "\(width) elements", received: "\(row.count)")
    }
    try self.init(shape: [rows.count, width], rows.flatMap { $0 })
  }

  /// The elements as Swift values.
  ///
  /// Errors: `.dtype` when `T` is not this tensor's element type.
  public func values<T: Element>(as: T.Type) throws(EngineError) -> [T] {
    guard T.dtype == dtype else {
      throw EngineError(.dtype, "elements read as \(T.dtype)", expected: "\(dtype)")
    }
    return Array(elements(T.self))
  }

  /// The elements in place. The dtype must be `T`'s.
  @inlinable public func elements<T: Element>(_: T.Type) -> TensorElements<T> {
    precondition(T.dtype == dtype, "elements of \(dtype) read as \(T.dtype)")
    return TensorElements(storage, count: count)
  }

  /// The same elements under another shape, sharing memory. Where the training engine is imported
  /// its own `reshaped` is meant, which gradients flow through.
  ///
  /// Errors: `.shape` when the counts differ.
  @_disfavoredOverload
  public func reshaped(_ shape: Shape) throws(EngineError) -> Tensor {
    guard shape.checkedCount == count else {
      throw EngineError(
        .shape, "a tensor of shape \(self.shape) cannot become \(shape)",
        expected: "\(count) elements", received: shape.checkedCount.map { "\($0)" })
    }
    if dtype == .string { return Tensor(Storage(shape, strings: strings)) }
    return Tensor(Storage(viewing: storage, as: TensorType(dtype, shape)))
  }
}

extension Shape {
  /// Errors: `.shape` when this is no shape of `count` elements.
  func check(count: Int, of what: String) throws(EngineError) {
    guard let expected = checkedCount else {
      throw EngineError(
        .shape, "no shape: \(self)", expected: "sizes from 0, and not more than memory can address")
    }
    guard expected == count else {
      throw EngineError(
        .shape, "wrong number of \(what) for shape \(self)", expected: "\(expected)",
        received: "\(count)")
    }
  }
}
