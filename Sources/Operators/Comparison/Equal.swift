import Graphs
import Kernels
import Tensors

/// Whether `A == B`, element by element: bool.
///
/// - `A`, `B`: bool, float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64, string,
///   one type for both; shapes that broadcast together, as NumPy's do.
/// - Before opset 7 `broadcast` and `axis` say how `B` broadcasts; see `BroadcastForm`.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Edges: NaN equals nothing; -0 equals 0.
/// - Source: ONNX Equal 1, 7, 11, 13, 19.
public struct Equal: BinaryElementwise {
  public let form: BroadcastForm

  public static let schema = Schema(
    "Equal", versions: [1, 7, 11, 13, 19],
    inputs: [
      Parameter("A", [.numeric, .bool, .string]), Parameter("B", [.numeric, .bool, .string]),
    ],
    outputs: [Parameter("C", .bool, "T1")],
    attributes: BroadcastForm.specs,
    cases: {
      let a = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      let s = try Tensor(shape: [2], strings: ["a", "b"])
      return [
        .init(Equal(), [a, try Tensor([1, 5, 3] as [Float])]),
        .init(Equal(), [s, try Tensor(shape: [], strings: ["b"])]),
      ]
    })

  public init(form: BroadcastForm = .both) { self.form = form }
  public init(reading a: AttributeReader) throws(EngineError) {
    form = try BroadcastForm(reading: a)
  }
  public var attributes: [Attribute] { form.attributes }

  public var kernel: BinaryOp { .equal }
  public func integer(_ a: Dim, _ b: Dim) -> Dim? { equalSizes(a, b) }

  /// Strings.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let (a, b) = (try e.tensor(0), try e.tensor(1))
    guard a.dtype == .string, b.dtype == .string else {
      throw EngineError(.dtype, "no kernel", received: "\(a.dtype), \(b.dtype)")
    }
    let facts = try infer(Inference(inputs: [Fact(a.type), Fact(b.type)]))
    guard let type = facts[0].tensorType else {
      throw EngineError(.shape, "the shapes are not settled")
    }
    let plan = try BroadcastPlan(
      output: type.shape, inputs: Few(a.shape, form.aligned(b.shape, rank: a.shape.rank)))
    let out = try e.allocate(type)
    let y = out.bytes.assumingMemoryBound(to: Bool.self)
    let (x, z) = (a.strings, b.strings)
    plan.forEachElement { at, i, j, _ in y[at] = x[i] == z[j] }
    return [.tensor(Tensor(out))]
  }
}
