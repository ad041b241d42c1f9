import Graphs
import Operators
import Tensors

enum ResizedProducts: Pass {
  static let name = "move-resize-behind-conv"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a 1x1 convolution with constant weights of images side by side, some of which a "
      + "Resize has enlarged, none of them used elsewhere",
    makes: "a convolution of each small image, the Resize of what comes out, and their sum with "
      + "the convolution of the other images",
    why: "a Resize weighs pixels and a 1x1 convolution channels, so their order is free where the "
      + "weights of pixels sum to 1; before the Resize there are fewer pixels")

  /// An enlarged image: what it was made of, and how.
  private struct Enlarged {
    let source: ValueID
    let op: Resize
    let inputs: [ValueID?]
  }

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let node = ConvNode(g, i), node.residual == nil, isPointwise(node.conv),
        let x = node.inputs.first ?? nil, let joined = g.made(x, by: Concat.self),
        let y = g.output(i), g.dtype(y) == .float32, let image = g.dims(y), image.count == 4,
        joined.op.axis == 1 || joined.op.axis == -3, g.hasOneUse(x),
        let w = g.constant(node.inputs[1]), w.dtype == .float32, w.shape.rank == 4,
        w.shape[2] == 1, w.shape[3] == 1
      else { continue }
      let parts = g.node(joined.node).inputs.compactMap { $0 }
      let counts = parts.compactMap { v in g.dims(v)?[1].known }
      guard counts.count == parts.count, counts.reduce(0, +) == w.shape[1] else { continue }
      try split(g, i, node, y, parts, counts, w)
    }
  }

  private static func isPointwise(_ conv: Conv) -> Bool {
    let window = conv.window
    return conv.group == 1 && (0..<2).allSatisfy { window.stride($0) == 1 }
      && (window.padsBegin + window.padsEnd).allSatisfy { $0 == 0 }
  }

  private static func split(
    _ g: GraphEditor, _ i: Int, _ node: ConvNode, _ y: ValueID, _ parts: [ValueID],
    _ counts: [Int], _ w: Tensor
  ) throws(EngineError) {
    let m = w.shape[0]
    var sum: ValueID?
    var (rest, columns): ([ValueID], [Range<Int>]) = ([], [])
    var small: [(Enlarged, Range<Int>)] = []
    var first = 0
    for (v, count) in zip(parts, counts) {
      let range = first..<first + count
      first += count
      if let found = enlarged(g, v, channels: count, outputs: m) {
        small.append((found, range))
      } else {
        rest.append(v)
        columns.append(range)
      }
    }
    guard !small.isEmpty, !rest.isEmpty else { return }
    let conv = Conv()
    for (part, range) in small {
      let weights = g.addConstant(try w.columns([range]))
      let made = try g.addOne(conv, [part.source, weights], at: i)
      let large = try g.addOne(part.op, [made] + part.inputs.dropFirst(), at: i)
      if let so = sum { sum = try g.addOne(Add(), [so, large], at: i) } else { sum = large }
    }
    let image = rest.count == 1 ? rest[0] : try g.addOne(Concat(axis: 1), rest, at: i)
    let bias = node.inputs.count > 2 ? node.inputs[2] : nil
    let result = try g.addOne(
      FusedConv(conv, node.activation),
      [image, g.addConstant(try w.columns(columns)), bias, sum], at: i, name: g.node(i).name)
    g.note(i, "\(name): \(small.count) of \(parts.count) images")
    g.replace(y, with: result)
    g.remove(i)
  }

  /// The Resize that has made `v`, where the convolution is better taken before it.
  private static func enlarged(
    _ g: GraphEditor, _ v: ValueID, channels: Int, outputs: Int
  ) -> Enlarged? {
    guard let (node, op) = g.made(v, by: Resize.self), g.hasOneUse(v), !op.isLegacy,
      op.policy == .stretch, op.axes == nil, op.coordinates != .cropAndResize,
      let source = g.input(node, 0), let from = g.dims(source), let to = g.dims(v),
      from.count == 4, to.count == 4, from[0] == to[0], from[1] == to[1],
      let pixels = (from[2] * from[3]).known, let all = (to[2] * to[3]).known, pixels > 0,
      // Multiplications that go, against a sum more, and a Resize of more channels.
      Double(all - pixels) * Double(channels * outputs)
        > 4 * Double(all) * Double(outputs + 2 * max(0, outputs - channels))
    else { return nil }
    var inputs = g.node(node).inputs
    if inputs.count > 3, inputs[3] != nil {
      guard let n = to[0].known, let height = to[2].known, let width = to[3].known,
        let sizes = try? Tensor([n, outputs, height, width].map { Int64($0) })
      else { return nil }
      inputs[3] = g.addConstant(sizes)
    } else {
      guard inputs.count > 2, let scales = inputs[2].flatMap({ g.constant($0)?.numbers }),
        scales.count == 4, scales[0] == 1, scales[1] == 1
      else { return nil }
    }
    return Enlarged(source: source, op: op, inputs: inputs)
  }
}

extension Tensor {
  /// Of weights `[M, C, 1, 1]` the columns of some ranges side by side.
  fileprivate func columns(_ ranges: [Range<Int>]) throws(EngineError) -> Tensor {
    let (m, c) = (shape[0], shape[1])
    let all = elements(Float.self)
    var list: [Float] = []
    for row in 0..<m {
      for range in ranges { for k in range { list.append(all[row * c + k]) } }
    }
    return try Tensor(shape: [m, ranges.reduce(0) { $0 + $1.count }, 1, 1], list)
  }
}
