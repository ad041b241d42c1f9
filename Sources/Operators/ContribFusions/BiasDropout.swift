import Graphs
import Tensors

/// Dropout's meaning in inference between two sums: `output = data + bias + residual`.
///
/// - `data`: any float type; `bias`: broadcasts to it; `residual` (optional): data's shape; `ratio`
///   (optional) plays no part; `training_mode` (optional): false.
/// - `output`: data's type and shape; `mask`: bool, all true.
/// - Errors: `.unsupported` where `training_mode` is true.
/// - Source: com.microsoft BiasDropout 1. Its documentation: ONNX Runtime has no kernel for its
///   plain processor.
public struct BiasDropout: Operator {
  public static let schema = Schema(
    "BiasDropout", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("data", .floats), Parameter("bias", .floats), .optional("residual", .floats),
      .optional("ratio", .floats, "T1"), .optional("training_mode", .bool, ""),
    ],
    outputs: [Parameter("output", .floats), .optional("mask", .bool, "T2")],
    attributes: [AttributeSpec("seed", .int, "plays no part, not written")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, -2, 3, 0.5, 0.25, 2] as [Float])
      let bias = try Tensor([10, 20, 30] as [Float])
      return [
        .init(BiasDropout(), [x, bias]), .init(BiasDropout(), [x, bias, x], outputCount: 2),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(0), c.dtype(1))
    return [Fact(c.dtype(0), c.dims(0)), Fact(.bool, c.dims(0))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    if let training = try e.optionalTensor(4), training.rawBytes.contains(where: { $0 != 0 }) {
      throw EngineError(.unsupported, "BiasDropout in training", expected: "training_mode false")
    }
    var sum = try e.run(Add(), [e.value(0), e.value(1)])[0]
    if e.has(2) { sum = try e.run(Add(), [sum, e.value(2)])[0] }
    let mask = try e.allocate(TensorType(.bool, e.tensor(0).shape))
    mask.bytes.initializeMemory(as: UInt8.self, repeating: 1, count: mask.type.byteCount)
    return Array([sum, .tensor(Tensor(mask))].prefix(e.outputCount))
  }
}

extension BiasDropout {
  /// Outside of training, the only mode there is, nothing is dropped.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard let up = g.upstreams[0] else { return }
    for i in 0..<3 where g.needs(i) { g.give(i, try unbroadcast(b, up, like: g.input(i))) }
  }
}
