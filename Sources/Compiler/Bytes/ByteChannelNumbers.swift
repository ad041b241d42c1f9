import Graphs
import Kernels
import Operators
import Tensors

extension ByteWalk {
  /// A BatchNormalization that no convolution took: a factor and a term for each channel.
  mutating func normalised(
    _ node: Int, _ norm: BatchNormalization, _ target: ByteTarget, at place: Int
  ) throws(EngineError) -> ByteImage? {
    for other in g.node(node).outputs.dropFirst() where other != nil { return nil }
    guard !norm.isTraining, norm.isSpatial, let x = known(g.input(node, 0)), x.image.isPlain,
      let y = g.output(node), g.dims(y)?.count == 4,
      let affine = ChannelAffine((1...4).compactMap { constantNumbers(g.input(node, $0)) }, norm)
    else { return nil }
    return try scaled(x.image, x.scale, affine.scale, affine.shift, target, at: place)
  }

  /// `factor` times what an image stands for, plus `shift`, one of each a channel.
  private func scaled(
    _ image: ByteImage, _ scale: PixelScale, _ factor: [Double], _ shift: [Double],
    _ target: ByteTarget, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard factor.count == image.channels, shift.count == image.channels else { return nil }
    let step = Double(target.scale.scale)
    let factors = factor.map { Float($0 * Double(scale.scale) / step) }
    let shifts = shift.map { Float($0 / step) }
    guard (factors + shifts).allSatisfy(\.isFinite) else { return nil }
    let op = ByteAffine(
      x: scale.zero, y: target.scale.zero, low: target.low, high: target.high)
    let bytes = try g.addOne(
      op, [image.bytes, g.addConstant(try Tensor(factors)), g.addConstant(try Tensor(shifts))],
      at: place)
    return ByteImage(bytes: bytes, channels: image.channels)
  }

  /// The numbers of a constant, also of one that a DequantizeLinear still stands before.
  private func constantNumbers(_ v: ValueID?) -> [Double]? {
    if let t = g.constant(v) { return t.numbers }
    guard let v, let i = g.maker(v), let op = g.node(i).op as? DequantizeLinear else { return nil }
    var inputs: [Value?] = []
    for input in g.node(i).inputs {
      guard let t = g.constant(input) else { return nil }
      inputs.append(.tensor(t))
    }
    let made = try? Eager().evaluate(op, inputs, outputs: 1, runner: nil)
    guard case .tensor(let t)?? = made?.first else { return nil }
    return t.numbers
  }
}
