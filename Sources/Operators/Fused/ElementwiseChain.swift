import Graphs
import Kernels
import Tensors

/// Elementwise operators one after the other, computed tile by tile in one pass over memory.
///
/// - Inputs: 1 to 16, any types that the steps take; shapes that broadcast together.
/// - `steps`: strings, each the name of a function, the numbers of its operands and what else it
///   needs: `mul 0 1`, `leakyRelu 2 0.01`, `cast 3 float16`. Value 0 is the first input; the first
///   step's result comes after the last input. Functions are those of `UnaryOp` and `BinaryOp`,
///   `where` and `cast`.
/// - `results`: numbers of the values that are put out; default the last.
/// - Outputs: up to 4, each of the shape to which all inputs broadcast together.
/// - Errors: `.attribute` for steps that cannot be read; `.shape`; `.dtype`; `.unsupported` for
///   functions without a kernel for their types.
/// - Accuracy: the bits of the operators one by one.
/// - Cost: inputs and outputs pass through the caches once. Sums, products, quotients, extremes,
///   square roots and the like stay in registers; other functions cost what they do alone.
/// - Source: domain ai.dlrun 1; the operators of ONNX that the steps name.
public struct ElementwiseChain: KernelComposite {
  public let inputCount: Int
  public let steps: [ChainStep]
  public let results: [Int]

  public static let schema = Schema(
    "ElementwiseChain", domain: Fused.domain, versions: [1],
    inputs: [.variadic("X", [.numeric, .bool], "")],
    outputs: [.variadic("Y", [.numeric, .bool], "")],
    attributes: [
      AttributeSpec("inputs", .int, "how many inputs there are; required"),
      AttributeSpec("results", .ints, "numbers of the values put out; default the last"),
      AttributeSpec("steps", .strings, "each a function and its operands; required"),
    ],
    cases: {
      func wave(_ shape: Shape) throws -> Tensor {
        try Tensor(shape: shape, (0..<shape.count).map { Float(($0 * 7) % 13) * 0.3 - 1.7 })
      }
      let (x, row, column) = (try wave([3, 5]), try wave([5]), try wave([3, 1]))
      let affine = [
        ChainStep(.binary(.sub), [0, 2]), ChainStep(.binary(.mul), [3, 1]),
        ChainStep(.unary(.tanh, 0, 0), [4]), ChainStep(.binary(.max), [5, 0]),
      ]
      let choice = [
        ChainStep(.binary(.greater), [0, 1]), ChainStep(.choose, [2, 0, 1]),
        ChainStep(.unary(.leakyRelu, 0.25, 0), [3]), ChainStep(.cast(.float64), [4]),
      ]
      return [
        .init(ElementwiseChain(affine, inputs: 3), [x, row, column]),
        .init(
          ElementwiseChain(affine, inputs: 3, results: [6, 4]), [x, row, column], outputCount: 2),
        .init(ElementwiseChain(choice, inputs: 2), [x, row]),
      ]
    })

  public init(_ steps: [ChainStep], inputs: Int, results: [Int]? = nil) {
    self.steps = steps
    inputCount = inputs
    self.results = results ?? [inputs + steps.count - 1]
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    let lines = try a.strings("steps", default: [])
    let count = try a.int("inputs")
    inputCount = count
    var list: [ChainStep] = []
    for (i, line) in lines.enumerated() {
      guard let step = ChainStep(line),
        step.operands.allSatisfy({ $0 >= 0 && $0 < count + i })
      else {
        throw EngineError(
          .attribute, "step \(i) cannot be read",
          expected: "a function and the numbers of values before it", received: "'\(line)'")
      }
      list.append(step)
    }
    steps = list
    let results = try a.ints("results", default: [inputCount + list.count - 1])
    guard (1...ChainKernel.maxInputs).contains(inputCount), !list.isEmpty,
      inputCount + list.count <= ChainKernel.maxValues,
      (1...ChainKernel.maxOutputs).contains(results.count), Set(results).count == results.count,
      results.allSatisfy({ $0 >= count && $0 < count + list.count })
    else {
      throw EngineError(
        .attribute, "the chain is not legal",
        expected: "1 to \(ChainKernel.maxInputs) inputs, at most \(ChainKernel.maxValues) values, "
          + "and up to \(ChainKernel.maxOutputs) results of steps",
        received: "\(inputCount) inputs, \(list.count) steps, results \(results)")
    }
    self.results = results
  }

  public var attributes: [Attribute] {
    [
      .int("inputs", inputCount), .ints("results", results),
      .strings("steps", steps.map(\.text)),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.inputs.count == inputCount, c.outputCount <= results.count else {
      throw EngineError(
        .arity, "a chain has the wrong number of inputs or outputs",
        expected: "\(inputCount) and \(results.count)",
        received: "\(c.inputs.count) and \(c.outputCount)")
    }
    var dims = c.dims(0)
    var types = [c.dtype(0)]
    for i in 1..<max(inputCount, 1) {
      dims = try broadcast(dims, c.dims(i))
      types.append(c.dtype(i))
    }
    for step in steps { types.append(step.dtype(step.operands.map { types[$0] })) }
    return results.map { Fact(types[$0], dims) }
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    var values: [B.Value] = []
    for x in inputs.array {
      guard let x else { throw EngineError(.arity, "an input is missing") }
      values.append(x)
    }
    for step in steps { values.append(try step.expand(b, step.operands.map { values[$0] })) }
    return Few(results.prefix(outputs).map { values[$0] })
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    var types: [TensorType] = []
    for i in 0..<inputCount { types.append(try p.input(i)) }
    let y = try p.output(0)
    let unwanted = results.indices.contains { !p.wants($0) }
    guard ChainKernel.types(steps, types.map(\.dtype)) != nil else { throw p.noKernel() }
    let wanted = unwanted ? results.indices.filter { p.wants($0) } : Array(results.indices)
    guard wanted == Array(0..<wanted.count),
      let kernel = try ChainKernel(
        steps, inputs: types, results: wanted.map { results[$0] }, output: y.shape)
    else {
      throw EngineError(
        .unsupported, "the chain has no kernel",
        expected: "functions with kernels for their types",
        received: types.map { "\($0.dtype)" }.joined(separator: ", "))
    }
    var inPlace: UInt64 = 0
    // Where there is one result, nothing is read after its place was written.
    if wanted.count == 1, results.first == inputCount + steps.count - 1 {
      for (i, x) in types.enumerated() where x.shape == y.shape && x.dtype.bits == y.dtype.bits {
        inPlace |= 1 << UInt64(i)
      }
    }
    return Prepared(
      inPlace: inPlace, label: "chain of \(steps.count), \(kernel.passes) passes over tiles"
    ) { m in kernel.run(m.inputs, m.outputs, m.pool) }
  }
}
