/// The sizes of a tensor along its axes: at most eight, stored inline, unused ones zero.
@frozen public struct Shape: Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public static let maxRank = 8
  @usableFromInline var dims: InlineArray<8, Int>
  public let rank: Int

  @inlinable public init(rank: Int, _ dim: (Int) -> Int) {
    precondition(rank <= 8, "rank exceeds 8")
    var dims = InlineArray<8, Int>(repeating: 0)
    for i in 0..<rank { dims[i] = dim(i) }
    self.dims = dims
    self.rank = rank
  }

  /// For sizes known to be legal; use `Shape(checking:)` for sizes from outside.
  @inlinable public init(_ dims: [Int]) { self.init(rank: dims.count) { dims[$0] } }
  @inlinable public init(arrayLiteral dims: Int...) { self.init(dims) }

  /// Sizes that came from a file, a request or another tensor.
  ///
  /// Errors: `.shape` for a rank over 8, a negative size, or a product of sizes beyond `Int`;
  /// zero sizes do not hide an overflow of the others.
  public init(checking dims: some Collection<Int>) throws(EngineError) {
    guard dims.count <= Shape.maxRank else {
      throw EngineError(
        .shape, "the rank is too high", expected: "at most \(Shape.maxRank)",
        received: "\(dims.count)")
    }
    var product = 1
    for d in dims {
      guard d >= 0 else {
        throw EngineError(.shape, "negative size in shape \(Array(dims))")
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: max(d, 1))
      // A quarter of the range leaves room for the size of an element.
      guard !overflow, next <= Int.max >> 5 else {
        throw EngineError(.shape, "shape \(Array(dims)) has more elements than memory can address")
      }
      product = next
    }
    self.init(Array(dims))
  }

  @inlinable public subscript(axis: Int) -> Int { dims[axis] }

  /// The number of elements: the product of all sizes, one for a scalar.
  @inlinable public var count: Int {
    var n = 1
    for i in 0..<rank { n *= dims[i] }
    return n
  }

  /// The number of elements; nil when a size is negative or the product of sizes is beyond `Int`,
  /// where zero sizes do not hide an overflow of the others.
  public var checkedCount: Int? {
    var (product, isEmpty) = (1, false)
    for i in 0..<rank {
      if dims[i] < 0 { return nil }
      if dims[i] == 0 { isEmpty = true }
      let (next, overflow) = product.multipliedReportingOverflow(by: max(dims[i], 1))
      if overflow { return nil }
      product = next
    }
    return isEmpty ? 0 : product
  }

  /// The product of the sizes of `axes`.
  @inlinable public func count(of axes: Range<Int>) -> Int {
    var n = 1
    for i in axes { n *= dims[i] }
    return n
  }

  /// Elements between neighbours along each axis, row-major.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for i in stride(from: rank - 2, through: 0, by: -1) {
      strides[i] = strides[i + 1] * dims[i + 1]
    }
    return strides
  }

  public var array: [Int] { (0..<rank).map { dims[$0] } }
  public var description: String { "\(array)" }
}

extension Shape: Hashable {
  @inlinable public static func == (a: Shape, b: Shape) -> Bool {
    var difference = a.rank ^ b.rank
    for i in 0..<8 { difference |= a.dims[i] ^ b.dims[i] }
    return difference == 0
  }

  @inlinable public func hash(into hasher: inout Hasher) {
    hasher.combine(rank)
    for i in 0..<rank { hasher.combine(dims[i]) }
  }

  /// A cheap hash for caches whose keys come from the program, not from an adversary.
  @inlinable public var quickHash: UInt {
    var h = UInt(bitPattern: rank)
    for i in 0..<rank { h = (h ^ UInt(bitPattern: dims[i])) &* 0x9E37_79B9_7F4A_7C15 }
    return h
  }
}

/// The element type and sizes of a tensor.
@frozen public struct TensorType: Hashable, Sendable, CustomStringConvertible {
  public let dtype: DType
  public let shape: Shape
  @inlinable public init(_ dtype: DType, _ shape: Shape) {
    self.dtype = dtype
    self.shape = shape
  }
  @inlinable public var count: Int { shape.count }
  @inlinable public var byteCount: Int { dtype.byteCount(of: shape.count) }
  public var description: String { "\(dtype)\(shape)" }
}
