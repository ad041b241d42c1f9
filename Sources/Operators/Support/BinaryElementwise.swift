import Graphs
import Kernels
import Tensors

/// An operator that combines two inputs element by element, with broadcasting: all but its schema,
/// its kernel's name and its gradient follow.
public protocol BinaryElementwise: Operator {
  var kernel: BinaryOp { get }
  /// How the inputs find together; `.both` where the operator came after opset 6.
  var form: BroadcastForm { get }
  /// The result for integers of shape arithmetic; nil where it is not settled.
  func integer(_ a: Dim, _ b: Dim) -> Dim?
}

extension BinaryElementwise {
  public var form: BroadcastForm { .both }
  public func integer(_ a: Dim, _ b: Dim) -> Dim? { nil }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(0), c.dtype(1))
    let dims = try form.dims(c.dims(0), c.dims(1))
    let dtype = kernel.isPredicate ? .bool : c.dtype(0) ?? c.dtype(1)
    return [Fact(.tensor(dtype, dims), elements: broadcastElements(c, dims, integer))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try prepareBinary(p, kernel, form)
  }
}

/// Errors: `.dtype` when both are known and differ.
func checkSameDType(_ a: DType?, _ b: DType?) throws(EngineError) {
  if let a, let b, a != b {
    throw EngineError(
      .dtype, "the inputs have different element types", expected: "\(a) as the first",
      received: "\(b)")
  }
}

/// The kernel of `op` over two broadcast inputs of one dtype.
func prepareBinary(
  _ p: Preparation, _ op: BinaryOp, _ form: BroadcastForm = .both
) throws(EngineError) -> Prepared {
  let (a, b, y) = (try p.input(0), try p.input(1), try p.output(0))
  try checkSameDType(a.dtype, b.dtype)
  guard let kernel = BinaryKernel(op, a.dtype) else { throw p.noKernel() }
  let second = try form.aligned(b.shape, rank: a.shape.rank)
  let plan = try BroadcastPlan(output: y.shape, inputs: Few(a.shape, second))
  return Prepared(inPlace: inPlaceMask(y, a, b), label: "\(op) \(a.dtype)") { m in
    kernel.run(plan, m.inputs[0], m.inputs[1], m.outputs[0], m.pool)
  }
}

/// The inputs that output `y` may overwrite: as many elements, each as wide.
func inPlaceMask(_ y: TensorType, _ inputs: TensorType...) -> UInt64 {
  var mask: UInt64 = 0
  for (i, x) in inputs.enumerated() where x.count == y.count && x.dtype.bits == y.dtype.bits {
    mask |= 1 << UInt64(i)
  }
  return mask
}

/// The integers that result from combining two small integer inputs of known contents, where
/// their shapes are equal or one is a single element; nil where `f` leaves one open.
func broadcastElements(
  _ c: Inference, _ dims: [Dim]?, _ f: (Dim, Dim) -> Dim?
) -> [Dim]? {
  guard let a = integerElements(c.fact(0)), let b = integerElements(c.fact(1)) else { return nil }
  let count = max(a.count, b.count)
  guard count <= Fact.maxElements, a.count == b.count || a.count == 1 || b.count == 1,
    let dims, dims.reduce(1, *).known == (a.isEmpty || b.isEmpty ? 0 : count)
  else { return nil }
  var result: [Dim] = []
  for i in 0..<(a.isEmpty || b.isEmpty ? 0 : count) {
    guard let v = f(a.count == 1 ? a[0] : a[i], b.count == 1 ? b[0] : b[i]) else { return nil }
    result.append(v)
  }
  return result
}

/// What is known of an input's integers: elements carried along, or a small bool constant's.
func integerElements(_ fact: Fact?) -> [Dim]? {
  guard let fact else { return nil }
  if let elements = fact.elements { return elements }
  if let t = fact.constant, t.dtype == .bool, t.count <= Fact.maxElements {
    return t.rawBytes.map { Dim($0 == 0 ? 0 : 1) }
  }
  return nil
}

/// 1, 0 or nil for what is not settled: whether two sizes are equal. Sizes are not negative, so a
/// symbol, or a sum of them, equals no negative number.
func equalSizes(_ a: Dim, _ b: Dim) -> Dim? {
  if a == b { return 1 }
  if let x = a.known, let y = b.known { return x == y ? 1 : 0 }
  if a.isNotNegative, let y = b.known, y < 0 { return 0 }
  if b.isNotNegative, let x = a.known, x < 0 { return 0 }
  return nil
}
