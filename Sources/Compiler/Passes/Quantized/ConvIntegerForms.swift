import Graphs
import Operators
import Tensors

enum ConvIntegerForms: Pass {
  static let name = "write-out-conv-integer"
  static let level = OptimizationLevel.all
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor:
      "a ConvInteger with constant weights, cast to float32 and multiplied with the product "
      + "of one scale and of one, or one for each channel: dynamic quantisation",
    makes: "a Conv of the numbers that the codes stand for, behind DequantizeLinear",
    why: "scales come out of the sum; passes that join what follows, and those that keep "
      + "convolutions in integers, know that form, and where no kernel on integers takes it the "
      + "float32 one is faster than an int32 image and its scaling")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    var numbers: [ValueID: ValueID] = [:]
    for i in g.orderedNodes() where g.isLive(i) && g.node(i).op is Mul {
      guard let y = g.output(i) else { continue }
      for (x, scales) in g.pairs(y, Mul.self) {
        guard let (cast, op) = g.made(x, by: Cast.self), op.to == .float32,
          let sum = g.input(cast, 0), let (node, conv) = g.made(sum, by: ConvInteger.self),
          let codes = g.input(node, 0), let w = g.input(node, 1), let t = g.constant(w)
        else { continue }
        guard g.hasOneUse(x), g.hasOneUse(sum), let channels = t.shape.array.first,
          let (left, right) = try factors(g, scales, channels, rank: t.shape.rank)
        else {
          g.miss(i, "\(name): the sums have other uses, or scales are not of input and channels")
          continue
        }
        let zero = g.input(node, 2)
        guard zero.map({ g.dims($0) == g.dims(left) }) ?? true,
          let weights = try weights(g, w, right, g.input(node, 3), channels, at: i)
        else {
          g.miss(i, "\(name): zero points are not one for the input and constant for the weights")
          continue
        }
        var image = numbers[codes]
        if image == nil {
          image = try g.addOne(
            DequantizeLinear(), [codes, left] + (zero.map { [$0] } ?? []), at: i)
          numbers[codes] = image
        }
        try g.fuse(
          i, [cast, node], into: Conv(window: conv.window, group: conv.group), [image, weights],
          by: name)
        break
      }
    }
  }

  /// The scale of the input, and the constant ones of the weights, whose product `v` is.
  private static func factors(
    _ g: GraphEditor, _ v: ValueID, _ channels: Int, rank: Int
  ) throws(EngineError) -> (left: ValueID, right: [Float])? {
    for (a, b) in g.pairs(v, Mul.self) where g.dtype(a) == .float32 && g.isOne(a) {
      guard let t = g.constant(b), t.dtype == .float32, (g.dims(a)?.count ?? 2) <= 1 else {
        continue
      }
      // [M, 1, 1], or the same with an axis of images before.
      let axis = t.shape.rank - (rank - 1)
      guard
        t.count == 1
          || axis >= 0 && t.shape.rank <= rank && t.shape[axis] == channels
            && t.count == channels
      else { continue }
      return (a, try t.values(as: Float.self))
    }
    return nil
  }

  /// The numbers that weights stand for, with as many scales as zero points.
  private static func weights(
    _ g: GraphEditor, _ w: ValueID, _ scales: [Float], _ zero: ValueID?, _ channels: Int,
    at place: Int
  ) throws(EngineError) -> ValueID? {
    var inputs: [ValueID?] = [w]
    guard let zero else {
      inputs.append(g.addConstant(try constant(scales)))
      return try g.addOne(DequantizeLinear(scales: .init(axis: 0)), inputs, at: place)
    }
    guard let z = g.constant(zero), z.count == 1 || z.count == channels else { return nil }
    let count = max(scales.count, z.count)
    inputs.append(
      g.addConstant(try constant((0..<count).map { scales[scales.count == 1 ? 0 : $0] })))
    let codes = (0..<count).map { Int(z.asDouble(z.count == 1 ? 0 : $0) ?? 0) }
    switch z.dtype {
    case .int8:
      inputs.append(g.addConstant(try constant(codes.map { Int8(truncatingIfNeeded: $0) })))
    case .uint8:
      inputs.append(g.addConstant(try constant(codes.map { UInt8(truncatingIfNeeded: $0) })))
    default: return nil
    }
    return try g.addOne(DequantizeLinear(scales: .init(axis: 0)), inputs, at: place)
  }

  /// One number as a scalar, several as a vector.
  private static func constant<T: Element>(_ list: [T]) throws(EngineError) -> Tensor {
    list.count == 1 ? try Tensor(scalar: list[0]) : try Tensor(list)
  }
}
