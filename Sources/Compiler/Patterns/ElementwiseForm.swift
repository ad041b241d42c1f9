import Graphs
import Kernels
import Operators
import Tensors

/// What a node does to its inputs element by element.
struct ElementwiseForm {
  enum Kind {
    case one(ChainStep.Function)
    /// Any number of operands, from the first to the last.
    case fold(BinaryOp)
    /// Between bounds: numbers, or operands where nil.
    case clip(Float?, Float?)
  }
  let kind: Kind
  let operands: [ValueID]

  /// How many steps it takes.
  var steps: Int {
    switch kind {
    case .one: 1
    case .fold: operands.count - 1
    case .clip: 2
    }
  }

  /// Constants that it needs beside its operands.
  var numbers: Int {
    if case .clip(let low, let high) = kind {
      return (low == nil ? 0 : 1) + (high == nil ? 0 : 1)
    }
    return 0
  }

  /// Nil where a node is no elementwise operator, has results beside the first, or types or sizes
  /// are not known. Integers are left to shape arithmetic.
  init?(_ g: GraphEditor, _ i: Int) {
    let node = g.node(i)
    guard let op = node.op, let y = g.output(i), node.outputs.dropFirst().allSatisfy({ $0 == nil }),
      let result = g.dtype(y), result.isFloat && result.isNumberOfBytes || result == .bool,
      let dims = g.dims(y), !dims.isEmpty, !node.inputs.isEmpty
    else { return nil }
    var list: [ValueID] = []
    for v in node.inputs {
      guard let v else {
        // Bounds of Clip may be absent.
        if op is Clip { continue }
        return nil
      }
      guard let dtype = g.dtype(v), dtype.isNumberOfBytes || dtype == .bool, g.dims(v) != nil else {
        return nil
      }
      list.append(v)
    }
    let types = list.compactMap { g.dtype($0) }
    operands = list
    switch op {
    case is Sum where list.count > 1 && result == .float32: kind = .fold(.add)
    case is Max where list.count > 1: kind = .fold(.max)
    case is Min where list.count > 1: kind = .fold(.min)
    case let op as Clip:
      guard result == .float32 else { return nil }
      let (low, high) = (g.input(i, 1), g.input(i, 2))
      let most = Float.greatestFiniteMagnitude
      guard op.lower == nil || low == nil, op.upper == nil || high == nil else { return nil }
      kind = .clip(low == nil ? op.lower ?? -most : nil, high == nil ? op.upper ?? most : nil)
      for bound in [low, high] {
        if let bound, g.dims(bound)?.product.known != 1 { return nil }
      }
    default:
      guard let function = ChainStep.Function(op) else { return nil }
      // A power of 2 is a product, which a repeated exponent would hide.
      if case .binary(.pow) = function {
        guard list.count == 2, types[0] == types[1],
          g.dims(list[1])?.product.known == 1 || g.dims(list[1]) == dims
        else { return nil }
      }
      kind = .one(function)
      let step = ChainStep(function, Array(list.indices))
      guard step.arity == list.count, ElementwiseForm.hasKernel(function, types) else {
        return nil
      }
    }
  }

  private static func hasKernel(_ function: ChainStep.Function, _ types: [DType]) -> Bool {
    switch function {
    case .unary(let op, let p, let q): UnaryKernel(op, types[0], p, q) != nil
    case .binary(let op): types[0] == types[1] && BinaryKernel(op, types[0]) != nil
    case .choose: types[0] == .bool && types[1] == types[2] && WhereKernel(types[1]) != nil
    case .cast(let to): CastKernel(types[0], to) != nil
    }
  }
}
