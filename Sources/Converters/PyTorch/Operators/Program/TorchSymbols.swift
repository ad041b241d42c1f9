import Graphs
import Operators
import Tensors

/// Arithmetic on sizes, which a program keeps beside its tensors.
///
/// A number that depends on the inputs is an int64 tensor of one element, so that shape inference
/// sees through it.
enum TorchSymbols {
  static let operators: [TorchOperator] =
    [
      TorchOperator("aten.sym_size.int") { (c) throws(EngineError) in
        let x = try c.x()
        let axis = try c.axis(try c.int("dim"), try c.rank(x))
        switch try c.size(of: x, axis) {
        case .known(let n): return [.number(.int(n))]
        case .value(let id): return [.symbol(id)]
        }
      },
      TorchOperator("aten.sym_numel.default") { (c) throws(EngineError) in
        var product = try c.builder.ints([1])
        for size in try c.sizes(of: try c.x()) { product = try c.mul(product, try c.vector(size)) }
        return [.symbol(product)]
      },
      TorchOperator("aten.item.default") { (c) throws(EngineError) in try item(c) },
      TorchOperator("aten._local_scalar_dense.default") { (c) throws(EngineError) in try item(c) },
      arithmetic("_operator.add", +, Add()), arithmetic("_operator.sub", -, Sub()),
      arithmetic("_operator.mul", *, Mul()),
      TorchOperator("_operator.floordiv") { (c) throws(EngineError) in
        let (a, b) = try two(c)
        if let x = a.int, let y = b.int, y != 0, !(x == .min && y == -1) {
          return [.number(.int(x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0)))]
        }
        // Sizes are not negative, so rounding towards zero is rounding down.
        return [.symbol(try c.div(try number(c, a), try number(c, b)))]
      },
      TorchOperator("_operator.mod") { (c) throws(EngineError) in
        let (a, b) = try two(c)
        return [.symbol(try c.builder.apply(Mod(), try number(c, a), try number(c, b)))]
      },
      TorchOperator("_operator.neg") { (c) throws(EngineError) in
        [.symbol(try c.builder.apply(Neg(), try number(c, try value(c, 0))))]
      },
      TorchOperator("_operator.pow") { (c) throws(EngineError) in
        let (a, b) = try two(c)
        return [.symbol(try c.builder.apply(Pow(), try number(c, a), try number(c, b)))]
      },
      TorchOperator("_operator.truediv") { (c) throws(EngineError) in
        let (a, b) = try two(c)
        let (x, y) = (
          try c.cast(try number(c, a), .float32), try c.cast(try number(c, b), .float32)
        )
        return [.symbol(try c.div(x, y))]
      },
      TorchOperator("math.trunc") { (c) throws(EngineError) in
        [.symbol(try c.cast(try number(c, try value(c, 0)), .int64))]
      },
      extreme("torch.sym_max", Max()), extreme("torch.sym_min", Min()),
      TorchOperator("torch.sym_float") { (c) throws(EngineError) in
        [.symbol(try c.cast(try number(c, try value(c, 0)), .float32))]
      },
      TorchOperator("torch.sym_int") { (c) throws(EngineError) in
        [.symbol(try c.cast(try number(c, try value(c, 0)), .int64))]
      },
      TorchOperator("torch.sym_not") { (c) throws(EngineError) in
        [.symbol(try c.builder.apply(Not(), try number(c, try value(c, 0))))]
      },
      TorchOperator("torch.sym_ite") { (c) throws(EngineError) in
        let condition = try number(c, try value(c, 0))
        return [
          .symbol(
            try c.builder.apply(
              Where(), condition, try number(c, try value(c, 1)), try number(c, try value(c, 2))))
        ]
      },
      compare("_operator.eq", Equal()), compare("_operator.ge", GreaterOrEqual()),
      compare("_operator.gt", Greater()), compare("_operator.le", LessOrEqual()),
      compare("_operator.lt", Less()), compare("_operator.and_", And()),
      compare("_operator.or_", Or()),
      TorchOperator("_operator.ne") { (c) throws(EngineError) in
        let (a, b) = try two(c)
        return [
          .symbol(
            try c.builder.apply(
              Not(), try c.builder.apply(Equal(), try number(c, a), try number(c, b))))
        ]
      },
    ]

  private enum Number {
    case known(TorchNumber)
    case computed(ValueID)
    var int: Int? { if case .known(let n) = self { n.int } else { nil } }
  }

  private static func value(_ c: TorchCall, _ i: Int) throws(EngineError) -> Number {
    switch try c.argument(at: i) {
    case .scalar(let scalar):
      switch try c.graph.value(scalar) {
      case .number(let n): return .known(n)
      case .symbol(let id): return .computed(id)
      default: break
      }
    case .tensor(let name):
      if case .symbol(let id) = try c.graph.value(name) { return .computed(id) }
    default: break
    }
    throw EngineError(.malformed, "argument \(i) is no number")
  }
  private static func two(_ c: TorchCall) throws(EngineError) -> (Number, Number) {
    (try value(c, 0), try value(c, 1))
  }

  /// The number as a tensor `[1]`.
  private static func number(_ c: TorchCall, _ n: Number) throws(EngineError) -> ValueID {
    switch n {
    case .computed(let id): return id
    case .known(let n):
      return try c.builder.constant(try TorchScalar.tensor(n, n.dtype, shape: [1]))
    }
  }

  /// Both as tensors of one type.
  private static func same(
    _ c: TorchCall, _ a: Number, _ b: Number
  ) throws(EngineError) -> (ValueID, ValueID) {
    let (x, y) = (try number(c, a), try number(c, b))
    let dtype = TorchPromotion.promoted(try c.dtype(of: x), try c.dtype(of: y))
    return (try c.cast(x, dtype), try c.cast(y, dtype))
  }

  private static func arithmetic<Op: Operator>(
    _ name: String, _ fold: @escaping @Sendable (Dim, Dim) -> Dim, _ op: Op
  ) -> TorchOperator {
    TorchOperator(name) { (c) throws(EngineError) in
      let (a, b) = try two(c)
      if let x = a.int, let y = b.int, let n = fold(Dim(x), Dim(y)).known {
        return [.number(.int(n))]
      }
      let (x, y) = try same(c, a, b)
      return [.symbol(try c.builder.apply(op, x, y))]
    }
  }

  private static func extreme<Op: Operator>(_ name: String, _ op: Op) -> TorchOperator {
    TorchOperator(name) { (c) throws(EngineError) in
      let (a, b) = try two(c)
      let (x, y) = try same(c, a, b)
      return [.symbol(try c.builder.apply(op, x, y))]
    }
  }

  private static func compare<Op: Operator>(_ name: String, _ op: Op) -> TorchOperator {
    TorchOperator(name) { (c) throws(EngineError) in
      let (a, b) = try two(c)
      let (x, y) = try same(c, a, b)
      return [.symbol(try c.builder.apply(op, x, y))]
    }
  }

  /// The only element of a tensor as a number.
  private static func item(_ c: TorchCall) throws(EngineError) -> [TorchValue] {
    let x = try c.x()
    let wide = try c.cast(x, try c.dtype(of: x).isInteger ? .int64 : nil)
    return [.symbol(try c.builder.apply(Reshape(), wide, try c.builder.ints([1])))]
  }
}
