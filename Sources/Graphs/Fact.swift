import Tensors

/// What a value's type is, as far as it is known.
public indirect enum ValueType: Hashable, Sendable {
  /// A nil dtype or nil dims (unknown rank) is not known yet.
  case tensor(DType?, [Dim]?)
  case sparseTensor(DType?, [Dim]?)
  case sequence(ValueType?)
  case optional(ValueType?)
  case map(DType, ValueType?)
}

/// Everything inference knows of a value: its type, and its contents where they matter to shapes.
public struct Fact: Sendable {
  public var type: ValueType
  /// The elements of an integer tensor in row-major order, symbolic where need be. Kept for at
  /// most `Fact.maxElements`, for tensors that may be shapes.
  public var elements: [Dim]?
  /// The whole contents, where they are known before the run.
  public var constant: Tensor?

  public static let maxElements = 1024

  public init(_ type: ValueType, elements: [Dim]? = nil, constant: Tensor? = nil) {
    self.type = type
    self.elements = elements
    self.constant = constant
  }
  public init(_ dtype: DType?, _ dims: [Dim]?) { self.init(.tensor(dtype, dims)) }
  public init(_ type: TensorType) {
    self.init(.tensor(type.dtype, type.shape.array.map { Dim($0) }))
  }
  /// A tensor known in full.
  public init(constant: Tensor) {
    self.init(constant.type)
    self.constant = constant
    if constant.dtype == .int64, constant.count <= Fact.maxElements {
      elements = constant.elements(Int64.self).map { Dim(Int($0)) }
    } else if constant.dtype == .int32, constant.count <= Fact.maxElements {
      elements = constant.elements(Int32.self).map { Dim(Int($0)) }
    }
  }

  /// Element type of a tensor; nil where unknown or not a tensor.
  public var dtype: DType? {
    switch type {
    case .tensor(let d, _), .sparseTensor(let d, _): d
    default: nil
    }
  }
  /// Sizes of a tensor; nil where the rank is unknown or it is not a tensor.
  public var dims: [Dim]? {
    switch type {
    case .tensor(_, let d), .sparseTensor(_, let d): d
    default: nil
    }
  }
  public var rank: Int? { dims?.count }
  public var isTensor: Bool { if case .tensor = type { true } else { false } }

  /// The type with every size known, or nil. Sizes that no tensor can have give nil as well.
  public var tensorType: TensorType? {
    guard case .tensor(let dtype?, let dims?) = type else { return nil }
    var sizes: [Int] = []
    sizes.reserveCapacity(dims.count)
    for d in dims {
      guard let n = d.known else { return nil }
      sizes.append(n)
    }
    guard let shape = try? Shape(checking: sizes) else { return nil }
    return TensorType(dtype, shape)
  }

  /// The contents as integers, where all are known numbers.
  public var knownInts: [Int]? {
    guard let elements else { return nil }
    var ints: [Int] = []
    for e in elements {
      guard let n = e.known else { return nil }
      ints.append(n)
    }
    return ints
  }
}
