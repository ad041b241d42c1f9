import Graphs
import Kernels
import Tensors

extension ChainStep.Function {
  /// The function that an operator computes element by element; nil for others, and for those whose
  /// inputs find together in the ways of opset 6.
  public init?(_ op: any Operator) {
    switch op {
    case let op as any UnaryElementwise: self = op.function
    case let op as any BinaryElementwise where op.form == .both: self = .binary(op.kernel)
    case let op as Pow where op.form == .both: self = .binary(.pow)
    case let op as Gelu: self = .unary(op.isTanh ? .geluTanh : .gelu, 0, 0)
    case is Where: self = .choose
    case let op as Cast: self = .cast(op.to)
    default: return nil
    }
  }
}

extension UnaryElementwise {
  fileprivate var function: ChainStep.Function { .unary(Self.kernel, parameters.0, parameters.1) }
}

extension ChainStep {
  /// The step by an operator of ONNX.
  ///
  /// Errors: those of the operator; `.unsupported` for functions that no operator has.
  func expand<B: Builder>(_ b: B, _ x: [B.Value]) throws(EngineError) -> B.Value {
    switch function {
    case .choose: try b.apply(Where(), x[0], x[1], x[2])
    case .cast(let to): try b.apply(Cast(to: to), x[0])
    case .binary(let op): try Self.binary(b, op, x[0], x[1])
    case .unary(let op, let p, let q): try Self.unary(b, op, p, q, x[0])
    }
  }

  private static func binary<B: Builder>(
    _ b: B, _ op: BinaryOp, _ x: B.Value, _ y: B.Value
  ) throws(EngineError) -> B.Value {
    switch op {
    case .add: try b.apply(Add(), x, y)
    case .sub: try b.apply(Sub(), x, y)
    case .mul: try b.apply(Mul(), x, y)
    case .div: try b.apply(Div(), x, y)
    case .min: try b.apply(Min(), x, y)
    case .max: try b.apply(Max(), x, y)
    case .pow: try b.apply(Pow(), x, y)
    case .fmod: try b.apply(Mod(fmod: true), x, y)
    case .mod: try b.apply(Mod(), x, y)
    case .prelu: try b.apply(PRelu(), x, y)
    case .equal: try b.apply(Equal(), x, y)
    case .greater: try b.apply(Greater(), x, y)
    case .greaterOrEqual: try b.apply(GreaterOrEqual(), x, y)
    case .less: try b.apply(Less(), x, y)
    case .lessOrEqual: try b.apply(LessOrEqual(), x, y)
    case .logicalAnd: try b.apply(And(), x, y)
    case .logicalOr: try b.apply(Or(), x, y)
    case .logicalXor: try b.apply(Xor(), x, y)
    case .bitAnd: try b.apply(BitwiseAnd(), x, y)
    case .bitOr: try b.apply(BitwiseOr(), x, y)
    case .bitXor: try b.apply(BitwiseXor(), x, y)
    case .shiftLeft: try b.apply(BitShift(isLeft: true), x, y)
    case .shiftRight: try b.apply(BitShift(isLeft: false), x, y)
    }
  }

  private static func unary<B: Builder>(
    _ b: B, _ op: UnaryOp, _ p: Double, _ q: Double, _ x: B.Value
  ) throws(EngineError) -> B.Value {
    switch op {
    case .neg: try b.apply(Neg(), x)
    case .abs: try b.apply(Abs(), x)
    case .sign: try b.apply(Sign(), x)
    case .sqrt: try b.apply(Sqrt(), x)
    case .reciprocal: try b.apply(Reciprocal(), x)
    case .exp: try b.apply(Exp(), x)
    case .log: try b.apply(Log(), x)
    case .erf: try b.apply(Erf(), x)
    case .floor: try b.apply(Floor(), x)
    case .ceil: try b.apply(Ceil(), x)
    case .round: try b.apply(Round(), x)
    case .sin: try b.apply(Sin(), x)
    case .cos: try b.apply(Cos(), x)
    case .tan: try b.apply(Tan(), x)
    case .asin: try b.apply(Asin(), x)
    case .acos: try b.apply(Acos(), x)
    case .atan: try b.apply(Atan(), x)
    case .sinh: try b.apply(Sinh(), x)
    case .cosh: try b.apply(Cosh(), x)
    case .asinh: try b.apply(Asinh(), x)
    case .acosh: try b.apply(Acosh(), x)
    case .atanh: try b.apply(Atanh(), x)
    case .relu: try b.apply(Relu(), x)
    case .leakyRelu: try b.apply(LeakyRelu(alpha: Float(p)), x)
    case .elu: try b.apply(Elu(alpha: Float(p)), x)
    case .selu: try b.apply(Selu(alpha: Float(p), gamma: Float(q)), x)
    case .celu: try b.apply(Celu(alpha: Float(p)), x)
    case .sigmoid: try b.apply(Sigmoid(), x)
    case .hardSigmoid: try b.apply(HardSigmoid(alpha: Float(p), beta: Float(q)), x)
    case .hardSwish: try b.apply(HardSwish(), x)
    case .tanh: try b.apply(Tanh(), x)
    case .softplus: try b.apply(Softplus(), x)
    case .softsign: try b.apply(Softsign(), x)
    case .thresholdedRelu: try b.apply(ThresholdedRelu(alpha: Float(p)), x)
    case .gelu: try b.apply(Gelu(), x)
    case .geluTanh: try b.apply(Gelu(isTanh: true), x)
    case .mish: try b.apply(Mish(), x)
    case .swish: try b.apply(Swish(alpha: Float(p)), x)
    case .geluSlope: try b.apply(GeluSlope(), x)
    case .divideBy: throw EngineError(.unsupported, "no operator divides by a fixed number")
    case .bitNot: try b.apply(BitwiseNot(), x)
    case .logicalNot: try b.apply(Not(), x)
    case .isNaN: try b.apply(IsNaN(), x)
    case .isInf: try b.apply(IsInf(detectNegative: p != 0, detectPositive: q != 0), x)
    }
  }
}
