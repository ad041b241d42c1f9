import Graphs
import Kernels
import Tensors

/// Power: `Z = X^Y`.
///
/// - `X`: float16, bfloat16, float32, float64, int32, int64; the result has this type. `Y`: any
///   of these, int8, int16 or an unsigned integer. Shapes that broadcast together.
/// - Computed in the type of `X` where it is a float (in float32 for 16-bit floats), in float64
///   where only `Y` is a float, and in integers where neither is.
/// - Before opset 7 `broadcast` and `axis` say how `B` broadcasts; see `BroadcastForm`.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other element types.
/// - Edges: integer powers wrap; a negative exponent of an integer gives the reciprocal without its
///   fraction, 0 for a base of 0. Floats as C's pow.
/// - Gradient: `dZ Y X^(Y - 1)`, and `dZ Z ln X` where `X > 0`, 0 elsewhere; the exponent's only
///   where both types agree. Summed over broadcast axes.
/// - Source: ONNX Pow 1, 7, 12, 13, 15.
public struct Pow: Operator {
  public let form: BroadcastForm

  static let bases: DTypes = [.floats, .indices]

  public static let schema = Schema(
    "Pow", versions: [1, 7, 12, 13, 15],
    inputs: [Parameter("X", bases), Parameter("Y", .numeric, "T1")],
    outputs: [Parameter("Z", bases)],
    attributes: BroadcastForm.specs, isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, 0.75, 0.25, 2, 1.25, 0.5] as [Float])
      let i = try Tensor([3, -2, 5] as [Int32])
      return [
        .init(Pow(), [x, try Tensor([0.5, 3, -2] as [Float])]),
        .init(Pow(), [x, try Tensor(scalar: Float(2))]),
        .init(Pow(), [x, try Tensor([1, 2, 3] as [Int64])]),
        .init(Pow(), [i, try Tensor([2, 3, 0] as [Int32])]),
        .init(Pow(), [i, try Tensor([2, 3, 0.5] as [Float])]),
      ]
    })

  public init(form: BroadcastForm = .both) { self.form = form }
  public init(reading a: AttributeReader) throws(EngineError) {
    form = try BroadcastForm(reading: a)
  }
  public var attributes: [Attribute] { form.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dims = try form.dims(c.dims(0), c.dims(1))
    let values = broadcastElements(c, dims) { x, y in
      y.known == 1 ? x : y.known == 2 ? x * x : nil
    }
    return [Fact(.tensor(c.dtype(0), dims), elements: values)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y, z) = (try p.input(0), try p.input(1), try p.output(0))
    if x.dtype == y.dtype { return try prepareBinary(p, .pow, form) }
    let work: DType
    switch x.dtype {
    case .float16, .bfloat16: work = .float32
    case .float32, .float64: work = x.dtype
    default: work = y.dtype.isFloat ? .float64 : .int64
    }
    guard let kernel = BinaryKernel(.pow, work), let castX = CastKernel(x.dtype, work),
      let castY = CastKernel(y.dtype, work), let castZ = CastKernel(work, z.dtype)
    else { throw p.noKernel() }
    let exponent = try form.aligned(y.shape, rank: x.shape.rank)
    let plan = try BroadcastPlan(output: z.shape, inputs: Few(x.shape, exponent))
    // Converted copies, each on a cache line of its own.
    func room(_ t: TensorType) -> Int { (t.count * work.byteSize + 63) & ~63 }
    let (forX, forY) = (x.dtype == work ? 0 : room(x), y.dtype == work ? 0 : room(y))
    let forZ = z.dtype == work ? 0 : room(z)
    return Prepared(scratchBytes: forX + forY + forZ, label: "pow \(work)") { m in
      var (a, b) = (UnsafeRawPointer(m.inputs[0]), UnsafeRawPointer(m.inputs[1]))
      if forX > 0 {
        castX.run(count: x.count, a, m.scratch, m.pool)
        a = UnsafeRawPointer(m.scratch)
      }
      if forY > 0 {
        castY.run(count: y.count, b, m.scratch + forX, m.pool)
        b = UnsafeRawPointer(m.scratch + forX)
      }
      let result = forZ > 0 ? m.scratch + forX + forY : m.outputs[0]
      kernel.run(plan, a, b, result, m.pool)
      if forZ > 0 { castZ.run(count: z.count, result, m.outputs[0], m.pool) }
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dz = try g.upstream()
    let y = try form.aligned(b, x, g.input(1))
    if g.needs(0) {
      let exponent = try b.apply(CastLike(), y, x)
      let slope = try times(b, exponent, b.apply(Pow(), x, plus(b, exponent, -1)))
      g.give(0, try unbroadcast(b, times(b, dz, slope), like: x))
    }
    if g.needs(1), b.fact(of: x).dtype == b.fact(of: y).dtype {
      let slope = try times(b, g.output, b.apply(Log(), x))
      let dy = try masked(b, times(b, dz, slope), where: isGreater(b, x, 0))
      g.give(1, try form.restored(b, unbroadcast(b, dy, like: y), like: g.input(1)))
    }
  }
}
