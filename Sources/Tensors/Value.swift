/// What flows between operators: a tensor, or one of the format's containers.
public indirect enum Value: Sendable {
  case tensor(Tensor)
  case sequence([Value])
  /// An optional that holds a value, or none.
  case optional(Value?)
  case map(MapValue)

  /// The tensor, or an error that says what came instead.
  public func asTensor() throws(EngineError) -> Tensor {
    if case .tensor(let t) = self { return t }
    throw EngineError(.dtype, "wrong kind of value", expected: "a tensor", received: kind)
  }

  public var kind: String {
    switch self {
    case .tensor: "a tensor"
    case .sequence: "a sequence"
    case .optional: "an optional"
    case .map: "a map"
    }
  }
}

/// Keys of one integer or string type, each with a value. Order is the order of insertion.
public struct MapValue: Sendable {
  /// Rank-1 tensor of integers or strings.
  public let keys: Tensor
  /// A rank-1 tensor with an element per key, or a sequence with a value per key.
  public let values: Value
  public init(keys: Tensor, values: Value) {
    self.keys = keys
    self.values = values
  }
}
