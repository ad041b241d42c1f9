import Graphs
import Kernels
import Operators
import Tensors

extension ByteWalk {
  /// A transposed convolution whose windows lie side by side: a convolution of one tap to an image for
  /// each pixel of a window, whose pixels are then put in their places.
  mutating func transposed(
    _ node: Int, _ target: ByteTarget, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard let op = g.node(node).op as? ConvTranspose, let y = g.output(node),
      let to = g.dims(y), to.count == 4, to[2].known != nil || to[3].known != nil,
      let w = try ByteWeights(g, g.input(node, 1), axis: 1), let t = g.constant(w.values),
      t.shape.rank == 4, op.group == 1, Self.isTiling(op, t.shape), canBeImage(g.input(node, 0))
    else {
      g.miss(node, "\(ByteImages.name): its windows overlap, or its weights are not constant bytes")
      return nil
    }
    let (c, m, kh, kw) = (t.shape[0], t.shape[1], t.shape[2], t.shape[3])
    let step = BytePanels.step(m)
    // From one element an output to one for each pixel of a window.
    func spread<T>(_ list: [T], filler: T) -> [T] {
      let one = list + [T](repeating: filler, count: step - list.count)
      return (0..<kh * kw).flatMap { _ in one }
    }
    guard let x = try image(g.input(node, 0), at: place), x.image.isPlain, x.image.channels == c
    else { return nil }
    let from = try t.values(as: Int8.self)
    var weights = [Int8](repeating: 0, count: kh * kw * step * c)
    for pixel in 0..<kh * kw {
      for output in 0..<m {
        let row = (pixel * step + output) * c
        for channel in 0..<c {
          weights[row + channel] = from[(channel * m + output) * kh * kw + pixel]
        }
      }
    }
    let scales = w.scales.count == 1 ? w.scales : spread(w.scales, filler: 1)
    var inputs: [ValueID?] = [
      x.image.bytes, g.addConstant(try Tensor(shape: [kh * kw * step, c, 1, 1], weights)),
      g.addConstant(try Tensor(scales)),
    ]
    if let b = g.input(node, 2) {
      guard let bias = try w.bias(g, b, input: x.scale, count: m), let t = g.constant(bias) else {
        g.miss(node, "\(ByteImages.name): its bias is not constant")
        return nil
      }
      let all: Tensor =
        t.dtype == .int32
        ? try Tensor(spread(try t.values(as: Int32.self), filler: 0))
        : try Tensor(spread(try t.values(as: Float.self), filler: 0))
      inputs.append(g.addConstant(all))
    }
    let conv = ByteConv(
      Conv(), x.scale, ByteFinish(target.scale, low: target.low, high: target.high))
    let pixels = try g.addOne(conv, inputs, at: place, name: g.node(node).name)
    let apart = try g.addInts([0, 0, 0, kh, kw, step])
    let cut = try g.addOne(Reshape(), [pixels, apart], at: place)
    let woven = try g.addOne(Transpose(perm: [0, 1, 3, 2, 4, 5]), [cut], at: place)
    let whole = try g.addInts([0, to[2].known ?? -1, to[3].known ?? -1, step])
    return ByteImage(bytes: try g.addOne(Reshape(), [woven, whole], at: place), channels: m)
  }

  /// Whether each output lies under one tap.
  private static func isTiling(_ op: ConvTranspose, _ weights: Shape) -> Bool {
    let w = op.window
    let kernel = [weights[2], weights[3]]
    return op.outputShape.isEmpty && op.outputPadding.allSatisfy { $0 == 0 }
      && w.autoPad == .explicit && (0...1).allSatisfy { w.stride($0) == kernel[$0] }
      && (0...1).allSatisfy { w.dilation($0) == 1 }
      && (w.padsBegin + w.padsEnd).allSatisfy { $0 == 0 }
  }
}
