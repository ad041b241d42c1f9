import Tensors

/// One operation of a chain: a function and the values it takes.
public struct ChainStep: Hashable, Sendable {
  public enum Function: Hashable, Sendable {
    /// With what the kernel's p and q are.
    case unary(UnaryOp, Double, Double)
    case binary(BinaryOp)
    /// The second operand where the first is true, else the third.
    case choose
    case cast(DType)
  }

  public let function: Function
  /// Numbers of values: the chain's inputs first, then the result of each step.
  public let operands: [Int]

  public init(_ function: Function, _ operands: [Int]) {
    self.function = function
    self.operands = operands
  }

  /// How many operands the function takes.
  public var arity: Int {
    switch function {
    case .unary, .cast: 1
    case .binary: 2
    case .choose: 3
    }
  }

  /// The element type of the result; nil where it is not known.
  public func dtype(_ operands: [DType?]) -> DType? {
    switch function {
    case .unary(let op, _, _): op.isPredicate ? .bool : operands[0]
    case .binary(let op): op.isPredicate ? .bool : operands[0] ?? operands[1]
    case .choose: operands[1] ?? operands[2]
    case .cast(let to): to
    }
  }
}
