import Graphs
import Tensors

/// ConvTranspose whose pads are an input.
///
/// - `X`, `W`, `B` (optional): as ConvTranspose. `Pads` (optional): int64, befores and then behinds
///   of the spatial axes; the attribute `pads` does not exist.
/// - Attributes, errors: as ConvTranspose; `.value` for negative pads.
/// - Source: com.microsoft ConvTransposeWithDynamicPads 1.
public struct ConvTransposeWithDynamicPads: FormulaGradient {
  public let conv: ConvTranspose

  public static let schema = Schema(
    "ConvTransposeWithDynamicPads", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("X", FusedConv.types), Parameter("W", FusedConv.types),
      .optional("Pads", .int64, "", shape: true), .optional("B", FusedConv.types),
    ],
    outputs: [Parameter("Y", FusedConv.types)],
    attributes: ConvTranspose.schema.attributes.filter {
      $0.name != "pads" && $0.name != "output_shape"
    },
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 3, 2], (0..<12).map { Float(($0 * 5) % 11) / 4 - 1 })
      let w = try Tensor(shape: [2, 1, 2, 3], (0..<12).map { Float(($0 * 7) % 13) / 4 - 1 })
      let conv = ConvTranspose(window: Window(strides: [2, 1]), outputPadding: [1, 0])
      return [
        .init(
          ConvTransposeWithDynamicPads(conv),
          [x, w, try Tensor([1, 0, 0, 1] as [Int64]), try Tensor([0.5] as [Float])]),
        .init(ConvTransposeWithDynamicPads(ConvTranspose()), [x, w]),
      ]
    })

  public init(_ conv: ConvTranspose) { self.conv = conv }
  public init(reading a: AttributeReader) throws(EngineError) {
    conv = try ConvTranspose(reading: a)
  }
  public var attributes: [Attribute] { conv.attributes }

  /// The operator with pads settled.
  fileprivate func padded(_ pads: [Int]?) throws(EngineError) -> ConvTranspose {
    guard let pads else { return conv }
    guard pads.count % 2 == 0, pads.allSatisfy({ $0 >= 0 && $0 <= Int(Int32.max) }) else {
      throw EngineError(
        .value, "Pads has no legal value", expected: "pairs of 0 to \(Int32.max)",
        received: "\(pads)")
    }
    var window = conv.window
    window.padsBegin = Array(pads.prefix(pads.count / 2))
    window.padsEnd = Array(pads.suffix(pads.count / 2))
    return ConvTranspose(
      window: window, group: conv.group, outputPadding: conv.outputPadding)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if c.has(2), c.ints(2) == nil {
      let facts = try conv.infer(Inference(inputs: [c.fact(0), c.fact(1), c.fact(3)]))
      guard let dims = facts.first?.dims else { return facts }
      return [Fact(c.dtype(0), dims.prefix(2) + c.unknown(rank: dims.count - 2))]
    }
    return try padded(c.ints(2)).infer(
      Inference(inputs: [c.fact(0), c.fact(1), c.fact(3)]))
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let op = try padded(try p.shapeInts(2))
    let bias = p.has(3) ? p.inputs[3] : nil
    let inner = try op.prepare(
      Preparation(
        inputs: [p.inputs[0], p.inputs[1], bias], outputs: p.outputs,
        constants: [nil, p.constant(1), p.constant(3)], options: p.options, store: p.store))
    guard inner.kind == .kernel, bias != nil else { return inner }
    // The bias stands in another place here.
    return Prepared(scratchBytes: 64 + inner.scratchBytes, label: inner.label) {
      (m) throws(EngineError) in
      let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      addresses[0] = m.inputs[0]
      addresses[1] = m.inputs[1]
      addresses[2] = m.inputs[3]
      try inner.run(
        Memory(inputs: addresses, outputs: m.outputs, scratch: m.scratch + 64, pool: m.pool))
    }
  }
}

extension ConvTransposeWithDynamicPads {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    var pads: [Int]?
    if inputs.count > 2, let given = inputs[2] {
      pads = b.fact(of: given).knownInts
      if pads == nil { throw EngineError(.notDifferentiable, "the pads are not known") }
    }
    let bias = inputs.count > 3 ? inputs[3] : nil
    return Few(try b.apply(padded(pads), inputs: [inputs[0], inputs[1], bias]))
  }
}
