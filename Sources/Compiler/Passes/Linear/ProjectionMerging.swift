import Graphs
import Operators
import Tensors

enum ProjectionMerging: Pass {
  static let name = "merge-projections"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "attention whose Q, K and V, or K and V, are products of one value with constant "
      + "matrices, used by nothing else",
    makes: "one product with the matrices side by side, and a FusedAttention that reads its heads "
      + "where they are",
    why: "each column of the result is the same sum as before")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let (attention, givesNaN) = plain(g, i), let q = g.input(i, 0), let k = g.input(i, 1),
        let v = g.input(i, 2), [q, k, v].allSatisfy({ g.dims($0)?.count == 3 }),
        let heads = attention.queryHeads, let keyHeads = attention.keyHeads, heads > 0,
        keyHeads > 0
      else { continue }
      guard Set([q, k, v]).count == 3, let parts = Projection.all(g, [q, k, v]) else {
        g.miss(i, "\(name): Q, K and V are no products with constant matrices used here only")
        continue
      }
      let widths = parts.map(\.width)
      guard widths[0] % heads == 0, widths[1] % keyHeads == 0, widths[2] % keyHeads == 0 else {
        continue
      }
      let first = parts[0].a == parts[1].a ? 0 : 1
      guard parts[1].a == parts[2].a, parts[0].fits(parts[1]) || first == 1,
        parts[1].fits(parts[2])
      else {
        g.miss(i, "\(name): Q, K and V are products of different values")
        continue
      }
      let joined = Array(parts[first...])
      let merged = try Projection.merge(g, joined, at: i)
      var inputs = g.node(i).inputs
      var places: [HeadPlaces] = []
      var start = 0
      for (j, part) in parts.enumerated() {
        let size = part.width / (j == 0 ? heads : keyHeads)
        places.append(HeadPlaces(offset: j < first ? 0 : start, stride: size, size: size))
        if j >= first {
          inputs[j] = merged
          start += part.width
        }
      }
      let fused = FusedAttention(attention, places, givesNaN: givesNaN)
      let outputs = g.node(i).outputs
      let results = try g.add(
        fused, inputs, outputs: outputs.count, at: i, name: g.node(i).name)
      for part in joined { g.note(part.node, "\(name): one of \(joined.count) in one product") }
      for (old, new) in zip(outputs, results) { if let old { g.replace(old, with: new) } }
      g.remove(i)
    }
  }

  /// The options of attention whose heads lie one behind the other, and whether it gives NaN for
  /// queries without keys; nil for other nodes.
  private static func plain(
    _ g: GraphEditor, _ i: Int
  ) -> (options: Attention.Options, givesNaN: Bool)? {
    if let op: Attention = g.op(i) { return (op.options, false) }
    guard let op: FusedAttention = g.op(i), !op.isSequenceFirst,
      op.places.allSatisfy({ $0.offset == 0 && $0.stride == $0.size })
    else { return nil }
    return (op.options, op.givesNaN)
  }
}

/// A product with a constant matrix, and perhaps a constant vector added.
private struct Projection {
  let node: Int
  let a: ValueID
  let b: Tensor
  let bias: Tensor?
  let transB: Bool
  let width: Int

  static func all(_ g: GraphEditor, _ values: [ValueID]) -> [Projection]? {
    var list: [Projection] = []
    for v in values {
      guard g.hasOneUse(v), let linear = LinearNode(g, g.maker(v)), linear.isPlain,
        let b = g.constant(linear.b)
      else { return nil }
      let bias = g.constant(linear.bias)
      guard (bias == nil) == (linear.bias == nil) else { return nil }
      list.append(
        Projection(
          node: linear.node, a: linear.a, b: b, bias: bias, transB: linear.transB,
          width: b.shape[linear.transB ? 0 : 1]))
    }
    return list
  }

  func fits(_ other: Projection) -> Bool {
    b.dtype == other.b.dtype && transB == other.transB
      && b.shape[transB ? 1 : 0] == other.b.shape[transB ? 1 : 0]
  }

  static func merge(
    _ g: GraphEditor, _ parts: [Projection], at place: Int
  ) throws(EngineError) -> ValueID {
    let axis = parts[0].transB ? 0 : 1
    let b = try joined(parts.map(\.b), axis: axis)
    var inputs: [ValueID?] = [parts[0].a, g.addConstant(b)]
    if parts.contains(where: { $0.bias != nil }) {
      var biases: [Tensor] = []
      for p in parts {
        if let bias = p.bias { biases.append(bias) } else { biases.append(try zeros(p)) }
      }
      inputs.append(g.addConstant(try joined(biases, axis: 0)))
    }
    return try g.addOne(
      FusedLinear(transB: parts[0].transB), inputs, at: place, name: g.node(parts[0].node).name)
  }

  private static func zeros(_ p: Projection) throws(EngineError) -> Tensor {
    try Tensor(TensorType(p.b.dtype, Shape([p.width]))) { (bytes) throws(EngineError) in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  private static func joined(_ list: [Tensor], axis: Int) throws(EngineError) -> Tensor {
    let values = try Eager(pool: .single, options: .init()).evaluate(
      Concat(axis: axis), list.map { .tensor($0) }, outputs: 1, runner: nil)
    guard let first = values.first, let value = first else {
      throw EngineError(.internalDefect, "a Concat without a result")
    }
    return try value.asTensor()
  }
}
