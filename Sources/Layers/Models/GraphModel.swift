import Tensors
import Training

/// Layers used on each other's outputs in any order without cycles: several inputs, several
/// outputs, shared layers, models within models. Made by `Model(inputs:outputs:)`.
///
/// - Names of parameters: `layers.0.kernel`, in the order of use, or by the layer's own name.
public final class GraphModel: Network {
  /// The inputs.
  public let inputs: [Symbol]
  /// The outputs.
  public let outputs: [Symbol]
  /// Each layer once, in the order of first use.
  public let layers: [Layer]
  let uses: [Use]
  let results: [Int]
  let slotCount: Int

  /// A layer's use: where its inputs lie, and its first output.
  struct Use {
    let layer: Layer
    let source: SymbolSource
    let inputs: [Int]
    let first: Int
    let count: Int
  }

  /// Errors: `.usage` for an output that depends on an input that is not among `inputs`, an input
  /// that nothing depends on, or a symbol of an operation that failed.
  public init(inputs: [Symbol], outputs: [Symbol]) throws(EngineError) {
    var walk = Walk()
    for x in inputs {
      guard x.source.layer == nil || walk.slots[ObjectIdentifier(x.source)] == nil else {
        throw EngineError(.usage, "an input stands twice")
      }
      walk.begin(x)
    }
    for y in outputs { try walk.visit(y) }
    for x in inputs where !walk.used.contains(ObjectIdentifier(x.source)) {
      throw EngineError(
        .usage, "no output depends on an input", received: "\(x.source.name ?? "\(x.shape)")")
    }
    self.inputs = inputs
    self.outputs = outputs
    uses = walk.uses
    var layers: [Layer] = []
    for use in walk.uses where !layers.contains(where: { $0 === use.layer }) {
      layers.append(use.layer)
    }
    self.layers = layers
    results = outputs.map { (walk.slots[ObjectIdentifier($0.source)] ?? 0) + $0.place }
    slotCount = walk.count
    super.init()
    _ = modules
    try prepare(for: inputs.map(\.shape))
  }

  private struct Walk {
    var uses: [Use] = []
    /// By source, the slot of its first output.
    var slots: [ObjectIdentifier: Int] = [:]
    var used: Set<ObjectIdentifier> = []
    var count = 0

    mutating func begin(_ x: Symbol) {
      slots[ObjectIdentifier(x.source)] = count - x.place
      count += 1
    }

    /// Lays out what a symbol depends on, without recursion, so that deep models are no danger.
    mutating func visit(_ symbol: Symbol) throws(EngineError) {
      var open = [symbol]
      while let x = open.last {
        used.insert(ObjectIdentifier(x.source))
        if let failure = x.source.failure { throw failure }
        if slots[ObjectIdentifier(x.source)] != nil {
          open.removeLast()
          continue
        }
        guard let layer = x.source.layer else {
          throw EngineError(
            .usage, "an output depends on an input that is not the model's",
            expected: "all inputs in Model(inputs:outputs:)",
            received: "\(x.source.name ?? "\(x.shape)")")
        }
        let missing = x.source.inputs.filter { slots[ObjectIdentifier($0.source)] == nil }
        if !missing.isEmpty {
          open += missing.reversed()
          continue
        }
        for input in x.source.inputs { used.insert(ObjectIdentifier(input.source)) }
        let from = x.source.inputs.map { (slots[ObjectIdentifier($0.source)] ?? 0) + $0.place }
        let outputs = try layer.outputShapes(for: x.source.inputs.map(\.shape)).count
        slots[ObjectIdentifier(x.source)] = count
        uses.append(Use(layer: layer, source: x.source, inputs: from, first: count, count: outputs))
        count += outputs
        open.removeLast()
      }
    }
  }

  /// The symbol that a layer of this model gives at its first use: for surgery.
  ///
  /// ```swift
  /// let features = try Model(inputs: model.inputs, outputs: [model.symbol(of: "features")])
  /// ```
  ///
  /// Errors: `.usage` for a name that no layer has, or a layer that the model does not use itself.
  public func symbol(of name: String) throws(EngineError) -> Symbol {
    let wanted = try layer(name)
    if let use = uses.first(where: { $0.layer === wanted }) {
      let shapes = try wanted.outputShapes(for: use.source.inputs.map(\.shape))
      return Symbol(use.source, 0, shapes[0])
    }
    throw EngineError(.usage, "the model does not use '\(name)' itself")
  }

  /// Pairs of layers, each used once, of which the first is read by the second alone, and the rank of
  /// what it reads.
  func onlyFollowers() throws(EngineError) -> [(Layer, Layer, rank: Int)] {
    var readers = [Int](repeating: 0, count: slotCount)
    for use in uses { for slot in use.inputs { readers[slot] += 1 } }
    for slot in results { readers[slot] += 1 }
    var counts: [ObjectIdentifier: Int] = [:]
    var writers: [Int: Use] = [:]
    for use in uses {
      counts[ObjectIdentifier(use.layer), default: 0] += 1
      if use.count == 1 { writers[use.first] = use }
    }
    var pairs: [(Layer, Layer, rank: Int)] = []
    for use in uses where use.inputs.count == 1 && counts[ObjectIdentifier(use.layer)] == 1 {
      guard readers[use.inputs[0]] == 1, let from = writers[use.inputs[0]],
        counts[ObjectIdentifier(from.layer)] == 1, let shape = use.source.inputs.first?.shape
      else { continue }
      pairs.append((from.layer, use.layer, shape.rank))
    }
    return pairs
  }

  /// The model with other layers in the places of its own: each is asked for once.
  func replacing(
    _ change: (Layer) throws(EngineError) -> Layer
  ) throws(EngineError) -> GraphModel {
    var known: [ObjectIdentifier: Layer] = [:]
    var slots = [Symbol?](repeating: nil, count: slotCount)
    for (i, x) in inputs.enumerated() {
      let source = SymbolSource(layer: nil, inputs: [], name: x.source.name)
      slots[i] = Symbol(source, 0, x.shape)
    }
    for use in uses {
      let id = ObjectIdentifier(use.layer)
      let layer: Layer
      if let made = known[id] {
        layer = made
      } else {
        layer = try change(use.layer)
        known[id] = layer
      }
      for (i, y) in try layer(all: use.inputs.compactMap { slots[$0] }).enumerated()
      where i < use.count { slots[use.first + i] = y }
    }
    return try GraphModel(
      inputs: (0..<inputs.count).compactMap { slots[$0] }, outputs: results.compactMap { slots[$0] }
    )
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try expect(shapes, count: inputs.count...inputs.count)
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    try expect(shapes, count: inputs.count...inputs.count)
    for (i, (given, wanted)) in zip(shapes, inputs).enumerated()
    where !given.fits(wanted.shape) {
      throw EngineError(
        .shape, "input \(wanted.source.name ?? "\(i)") does not fit", expected: "\(wanted.shape)",
        received: "\(given)")
    }
    var slots = [LayerShape?](repeating: nil, count: slotCount)
    for (i, shape) in shapes.enumerated() { slots[i] = shape }
    for use in uses {
      let made = try use.layer.prepare(for: use.inputs.compactMap { slots[$0] })
      for (i, shape) in made.enumerated() where i < use.count { slots[use.first + i] = shape }
    }
    return results.compactMap { slots[$0] }
  }

  public override func forward(all xs: [Tensor]) throws -> Tensor { try run(LayerInput(xs)).value }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    try expect(
      input.values.map { LayerShape($0.shape.array) }, count: inputs.count...inputs.count)
    var slots = [Tensor?](repeating: nil, count: slotCount)
    var masks = [Tensor?](repeating: nil, count: slotCount)
    for i in inputs.indices { (slots[i], masks[i]) = (input.values[i], input.masks[i]) }
    for use in uses {
      let r = try use.layer(
        masked: use.inputs.compactMap { slots[$0] }, use.inputs.map { masks[$0] })
      for (i, y) in r.values.enumerated() where i < use.count { slots[use.first + i] = y }
      masks[use.first] = r.mask
    }
    let ys = results.compactMap { slots[$0] }
    guard ys.count == outputs.count, let first = ys.first else {
      throw EngineError(.internalDefect, "a model lost an output")
    }
    return LayerOutput(first, others: Array(ys.dropFirst()), mask: masks[results[0]])
  }
}

/// A model from symbols to symbols.
///
/// A function, so that it stands beside the `Model` that a session runs.
public func Model(
  inputs: Symbol, outputs: Symbol, file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> GraphModel {
  try Model(inputs: [inputs], outputs: [outputs], file: file, line: line)
}

/// A model of several inputs or outputs.
public func Model(
  inputs: [Symbol], outputs: [Symbol], file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> GraphModel {
  do throws(EngineError) { return try GraphModel(inputs: inputs, outputs: outputs) } catch {
    throw error.at(file: "\(file)", line: Int(line))
  }
}
