import Graphs
import Operators
import Tensors

enum BatchNormFolding: Pass {
  static let name = "fold-batch-norm"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "a BatchNormalization at inference, with constant parameters, of the result of a "
      + "Conv or ConvTranspose with constant weights that nothing else uses, or of a product with "
      + "a constant matrix that a Reshape or Flatten has made rows of",
    makes: "the convolution with each output channel's weights scaled and its bias moved, or the "
      + "product and a sum in front of the Reshape",
    why: "both are affine in each channel: s * (w x + b) + t = (s w) x + (s b + t)")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let norm: BatchNormalization = g.op(i), !norm.isTraining, norm.isSpatial,
        let x = g.input(i, 0), g.node(i).outputs.dropFirst().allSatisfy({ $0 == nil })
      else { continue }
      if try foldedProduct(g, i, norm, x) { continue }
      let isConv = g.made(x, by: Conv.self)
      let isTransposed = g.made(x, by: ConvTranspose.self)
      guard let c = isConv?.node ?? isTransposed?.node else { continue }
      guard g.hasOneUse(x) else {
        g.miss(i, "\(name): the convolution's result has other uses")
        continue
      }
      guard let affine = ChannelAffine(g, i, norm), let w = g.constant(g.input(c, 1)),
        w.dtype == .float32
      else {
        g.miss(i, "\(name): parameters or weights are not constant float32")
        continue
      }
      // ConvTranspose has its weights as [C, M / group, ...].
      let axis = isConv != nil ? 0 : 1
      let groups = isTransposed?.op.group ?? 1
      guard w.shape.rank > axis, affine.scale.count == w.shape[axis] * (axis == 1 ? groups : 1)
      else { continue }
      var bias = affine.shift
      if let old = g.input(c, 2) {
        guard let b = g.constant(old), b.dtype == .float32, b.count == bias.count else { continue }
        for k in bias.indices { bias[k] += affine.scale[k] * Double(b.elements(Float.self)[k]) }
      }
      guard let op = g.node(c).op else { continue }
      let scaled = try w.scaled(by: affine.scale, axis: axis, groups: axis == 1 ? groups : 1)
      let moved = try Tensor(bias.map { Float($0) })
      let result = try g.addOne(
        op, [g.input(c, 0), g.addConstant(scaled), g.addConstant(moved)], at: c,
        name: g.node(c).name)
      g.note(i, "\(name): into '\(g.node(c).name)'")
      guard let y = g.output(i) else { continue }
      g.replace(y, with: result)
      g.remove(i)
    }
  }
}

extension BatchNormFolding {
  /// Takes the norm into the product whose result `[..., C]` a Reshape or Flatten has made
  /// `[rows, C]`, its input `x`. Norms of products as they are belong to `fold-linear-affine`.
  private static func foldedProduct(
    _ g: GraphEditor, _ i: Int, _ norm: BatchNormalization, _ x: ValueID
  ) throws(EngineError) -> Bool {
    guard let cut = g.maker(x), g.node(cut).op is Reshape || g.node(cut).op is Flatten,
      let move = g.node(cut).op, g.hasOneUse(x), let inner = g.input(cut, 0),
      let product = g.made(inner, by: MatMul.self),
      g.hasOneUse(inner), let y = g.output(i), let from = g.dims(inner), let to = g.dims(x),
      to.count == 2, from.last == to.last, let w = g.constant(g.input(product.node, 1)),
      w.dtype == .float32, w.shape.rank == 2, let affine = ChannelAffine(g, i, norm),
      affine.scale.count == w.shape[1]
    else { return false }
    let scaled = g.addConstant(try w.scaled(by: affine.scale, axis: 1, groups: 1))
    let shift = g.addConstant(try Tensor(affine.shift.map { Float($0) }))
    let result = try g.addOne(
      product.op, [g.input(product.node, 0), scaled], at: i, name: g.node(product.node).name)
    let moved = try g.addOne(Add(), [result, shift], at: i)
    let rows = try g.addOne(
      move, [moved] + g.node(cut).inputs.dropFirst(), at: i, name: g.node(cut).name)
    g.note(i, "\(name): into '\(g.node(product.node).name)'")
    g.replace(y, with: rows)
    g.remove(i)
    return true
  }
}

/// What a BatchNormalization does to each channel: `scale * x + shift`.
struct ChannelAffine {
  let scale: [Double]
  let shift: [Double]

  /// Nil where the parameters are not constant.
  init?(_ g: GraphEditor, _ node: Int, _ norm: BatchNormalization) {
    var lists: [[Double]] = []
    for k in 1...4 {
      guard let t = g.constant(g.input(node, k)), let list = t.numbers else { return nil }
      lists.append(list)
    }
    self.init(lists, norm)
  }

  /// - `lists`: scale, bias, mean and variance.
  ///
  /// Nil where they are not of one length.
  init?(_ lists: [[Double]], _ norm: BatchNormalization) {
    guard lists.count == 4 else { return nil }
    let n = lists[0].count
    guard lists.allSatisfy({ $0.count == n }) else { return nil }
    var scale: [Double] = []
    var shift: [Double] = []
    for k in 0..<n {
      let s = lists[0][k] / (lists[3][k] + Double(norm.epsilon)).squareRoot()
      scale.append(s)
      shift.append(lists[1][k] - s * lists[2][k])
    }
    guard (scale + shift).allSatisfy(\.isFinite) else { return nil }
    self.scale = scale
    self.shift = shift
  }
}

extension Tensor {
  /// All elements as doubles; nil for dtypes that are no numbers of whole bytes.
  var numbers: [Double]? {
    guard dtype.isNumberOfBytes else { return nil }
    return withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return [] }
      return (0..<count).map { loadNumber(base, $0, dtype) }
    }
  }

  /// Float weights with each output channel multiplied by its factor. The channel is the index
  /// along `axis`, plus, for axis 1, the group that the index along axis 0 falls into times the
  /// channels of a group.
  func scaled(by factors: [Double], axis: Int, groups: Int) throws(EngineError) -> Tensor {
    let outer = shape.count(of: 0..<axis)
    let channels = shape[axis]
    let inner = shape.count(of: (axis + 1)..<shape.rank)
    let source = elements(Float.self)
    return try Tensor(type) { (bytes) throws(EngineError) in
      let to = bytes.bindMemory(to: Float.self)
      source.withContiguousStorageIfAvailable { from in
        for o in 0..<outer {
          let group = groups > 1 ? o / max(1, outer / groups) : 0
          for c in 0..<channels {
            let factor = Float(factors[group * channels + c])
            let start = (o * channels + c) * inner
            for j in start..<(start + inner) { to[j] = from[j] * factor }
          }
        }
      }
    }
  }
}
