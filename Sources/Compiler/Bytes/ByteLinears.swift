import Graphs
import Kernels
import Operators
import Tensors

extension ByteWalk {
  /// QLinearConv and com.microsoft's QLinear operators.
  mutating func linear(_ node: Int) throws(EngineError) -> ByteImage? {
    switch g.node(node).op {
    case let op as QLinearConv:
      return try linearConv(node, Conv(window: op.window, group: op.group))
    case is QLinearAdd, is QLinearMul: return try linearPair(node)
    case let op as QLinearGlobalAveragePool:
      guard !op.channelsLast, let x = try given(node, 0), let scale = scale(node, 3, of: 0) else {
        return nil
      }
      let bytes = try g.addOne(
        ByteAveragePool(Window(), x.scale, scale), [x.image.bytes], at: node)
      return ByteImage(bytes: bytes, channels: x.image.channels)
    default: return nil
    }
  }

  /// The constant scale of inputs `first` and `first + 1`, for numbers of the type that input
  /// `value` has, or of the result's.
  private func scale(_ node: Int, _ first: Int, of value: Int?) -> PixelScale? {
    let v = value.flatMap { g.input(node, $0) } ?? g.output(node)
    return Quantity.scale(
      g, g.input(node, first), g.input(node, first + 1), v.flatMap { g.dtype($0) })
  }

  /// The image that is input `i`, whose scale follows it.
  private mutating func given(
    _ node: Int, _ i: Int, makes: Bool = false
  ) throws(EngineError) -> (image: ByteImage, scale: PixelScale)? {
    guard let q = g.input(node, i), let scale = scale(node, i + 1, of: i) else { return nil }
    let image = makes ? try entry(q, scale, at: node) : images[q]
    guard let image, image.isPlain else { return nil }
    return (image, scale)
  }

  private mutating func linearConv(_ node: Int, _ conv: Conv) throws(EngineError) -> ByteImage? {
    guard let w = g.input(node, 3), g.dims(w)?.count == 4, let target = scale(node, 6, of: nil),
      let weights = try ByteWeights(
        g, w, scale: g.input(node, 4), zero: g.input(node, 5), axis: 0, given: 0),
      let shape = g.constant(weights.values)?.shape, let x = try given(node, 0, makes: true)
    else { return nil }
    var inputs: [ValueID?] = [
      x.image.bytes, weights.values, g.addConstant(try Tensor(weights.scales)),
    ]
    if let b = g.input(node, 8) {
      guard let t = g.constant(b), t.dtype == .int32, t.count == shape[0] else { return nil }
      inputs.append(b)
    }
    let bytes = try g.addOne(
      ByteConv(conv, x.scale, ByteFinish(target)), inputs, at: node, name: g.node(node).name)
    return ByteImage(bytes: bytes, channels: shape[0])
  }

  private mutating func linearPair(_ node: Int) throws(EngineError) -> ByteImage? {
    guard let a = g.input(node, 0), let b = g.input(node, 3), let y = g.output(node),
      let dims = g.dims(y), dims.count == 4, images[a] != nil || images[b] != nil,
      g.dims(a) == dims, g.dims(b) == dims || g.dims(b) == [dims[0], dims[1], 1, 1],
      let target = scale(node, 6, of: nil), canEnter(a), canEnter(b),
      let first = try given(node, 0, makes: true), let second = try given(node, 3, makes: true)
    else { return nil }
    let scales = BytePairScales(first.scale, second.scale, to: target)
    let inputs = [first.image.bytes, second.image.bytes]
    let bytes =
      g.node(node).op is QLinearAdd
      ? try g.addOne(ByteAdd(scales), inputs, at: node)
      : try g.addOne(ByteMul(scales), inputs, at: node)
    return ByteImage(bytes: bytes, channels: first.image.channels)
  }
}
