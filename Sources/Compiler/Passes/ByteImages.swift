import Graphs
import Kernels
import Operators
import Tensors

enum ByteImages: Pass {
  static let name = "byte-images"
  static let level = OptimizationLevel.all
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor: "networks on quantised images: convolutions and products with quantised weights, "
      + "poolings, sums, products, joins and functions between DequantizeLinear and "
      + "QuantizeLinear, and the QLinear operators, with constant scales",
    makes: "operators on images of bytes whose channels lie side by side, from the first "
      + "quantisation to the last, with changes of layout only at the edges",
    why: "sums of products of bytes are exact; each result is rounded where the file says, from "
      + "the same number but for the last bits of float32, so it moves by one step at most where "
      + "that number lies next to a tie")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    var walk = ByteWalk(g)
    try walk.run()
  }
}

/// A quantised value as an image of bytes.
struct ByteImage {
  /// uint8 `[N, H, W, C in fours]`.
  let bytes: ValueID
  let channels: Int
  /// Height and width of an image that became a row: `[N, C H W]`; nil for `[N, C, H, W]`.
  var row: (height: Int, width: Int)?
  /// Two axes that its channels were divided into: `[N, outer, inner, H, W]`.
  var groups: (outer: Int, inner: Int)?

  /// Whether it is `[N, C, H, W]`.
  var isPlain: Bool { row == nil && groups == nil }
}

/// One walk through a graph, from its inputs to its outputs.
struct ByteWalk {
  let g: GraphEditor
  /// What quantised values are as images of bytes.
  var images: [ValueID: ByteImage] = [:]
  /// What quantised values are of others, byte by byte.
  var tables: [ValueID: (base: ValueID, table: [UInt8])] = [:]
  /// Values that are images of bytes now, with the nodes that made them.
  private var done: [(value: ValueID, node: Int)] = []

  init(_ g: GraphEditor) { self.g = g }

  mutating func run() throws(EngineError) {
    for i in g.orderedNodes() where g.isLive(i) {
      guard let y = g.output(i), g.dtype(y) == .uint8 || g.dtype(y) == .int8,
        let made = try convert(i, y)
      else { continue }
      g.note(i, "\(ByteImages.name): in bytes")
      images[y] = made
      done.append((y, i))
    }
    if done.isEmpty { return }
    try finish()
  }

  /// Gives back plain values to whoever still wants them.
  private mutating func finish() throws(EngineError) {
    for i in g.nodes {
      guard let s = Quantity(dequantizing: i, g), let y = g.output(i), let image = images[s.value],
        g.dtype(y) == .float32
      else { continue }
      g.note(i, "\(ByteImages.name): from bytes")
      g.replace(y, with: try plain(image, s.scale, .float32, like: y, at: i))
    }
    for (y, i) in done {
      guard let image = images[y], let type = g.dtype(y) else { continue }
      g.replace(y, with: try plain(image, PixelScale(1, zero: 0), type, like: y, at: i))
    }
  }

  private func plain(
    _ image: ByteImage, _ scale: PixelScale, _ type: DType, like v: ValueID, at place: Int
  ) throws(EngineError) -> ValueID {
    let made = try g.addOne(
      FromBytes(channels: image.channels, scale, to: type), [image.bytes], at: place,
      name: g.node(place).name)
    if let (outer, inner) = image.groups {
      guard let dims = g.dims(v), dims.count == 5 else { return made }
      let sizes = dims[3...].map { $0.known ?? -1 }
      let shape = try g.addInts([dims[0].known ?? 0, outer, inner] + sizes)
      return try g.addOne(Reshape(), [made, shape], at: place)
    }
    guard g.dims(v)?.count == 2 else { return made }
    let (height, width) = image.row ?? (1, 1)
    let shape = try g.addInts([-1, image.channels * height * width])
    return try g.addOne(Reshape(), [made, shape], at: place)
  }

  // MARK: Images

  /// The quantised value that `v` stands for, and its scale, where that is an image of bytes.
  func known(_ v: ValueID?) -> (image: ByteImage, scale: PixelScale)? {
    guard let v, let i = g.maker(v), let q = Quantity(dequantizing: i, g),
      let image = images[q.value]
    else { return nil }
    return (image, q.scale)
  }

  /// The same, where an image of bytes may be made.
  mutating func image(
    _ v: ValueID?, at place: Int
  ) throws(EngineError) -> (image: ByteImage, scale: PixelScale)? {
    if let known = known(v) { return known }
    guard let v, let i = g.maker(v), let q = Quantity(dequantizing: i, g),
      let image = try entry(q.value, q.scale, at: place)
    else { return nil }
    return (image, q.scale)
  }

  /// Whether `image` would give one.
  func canBeImage(_ v: ValueID?) -> Bool {
    if known(v) != nil { return true }
    guard let v, let i = g.maker(v), let q = Quantity(dequantizing: i, g) else { return false }
    return canEnter(q.value)
  }
  func canEnter(_ q: ValueID) -> Bool {
    guard images[q] == nil else { return true }
    guard let dims = g.dims(q), dims.count == 4, let c = dims[1].known else { return false }
    return c > 0 && (g.dtype(q) == .uint8 || g.dtype(q) == .int8)
  }

  /// A quantised plain image as bytes.
  mutating func entry(
    _ q: ValueID, _ scale: PixelScale, at place: Int
  ) throws(EngineError) -> ByteImage? {
    if let known = images[q] { return known }
    guard canEnter(q), let channels = g.dims(q)?[1].known else { return nil }
    var source = q
    if let i = g.maker(q), let made = Quantity(quantizing: i, g), made.scale == scale,
      g.dtype(made.value) == .float32
    {
      source = made.value
    }
    let bytes = try g.addOne(ToBytes(scale), [source], at: place)
    let image = ByteImage(bytes: bytes, channels: channels)
    images[q] = image
    return image
  }

  /// `image` in another scale.
  func rescaled(
    _ image: ByteImage, _ from: PixelScale, to: PixelScale, at place: Int
  ) throws(EngineError) -> ByteImage {
    if from == to { return image }
    let table = (0..<256).map { UInt8(to.byte(from.value($0))) }
    return try looked(image, table, at: place)
  }

  func looked(
    _ image: ByteImage, _ table: [UInt8], at place: Int
  ) throws(EngineError) -> ByteImage {
    let made = try g.addOne(
      ByteTable(), [image.bytes, g.addConstant(try Tensor(table))], at: place)
    return ByteImage(
      bytes: made, channels: image.channels, row: image.row, groups: image.groups)
  }

  // MARK: Nodes

  private mutating func convert(_ i: Int, _ y: ValueID) throws(EngineError) -> ByteImage? {
    if let q = Quantity(quantizing: i, g) { return try quantised(i, q.value, q.scale, y) }
    if let made = try moved(i, y) { return made }
    return try linear(i)
  }

  /// What a QuantizeLinear makes of `x`.
  private mutating func quantised(
    _ i: Int, _ x: ValueID, _ scale: PixelScale, _ y: ValueID
  ) throws(EngineError) -> ByteImage? {
    var target = ByteTarget(scale)
    var v = x
    // Bounds commute with rounding.
    while let node = g.maker(v), let (low, high) = bounds(node), g.hasOneUse(v),
      let input = g.input(node, 0)
    {
      target.bound(low, high)
      v = input
    }
    if let node = g.maker(v), v == x || g.hasOneUse(v) {
      let made: ByteImage? =
        switch g.node(node).op {
        case is Conv, is FusedConv: try convolution(node, target, at: i)
        case is ConvTranspose: try transposed(node, target, at: i)
        case let norm as BatchNormalization: try normalised(node, norm, target, at: i)
        case is Add: try sum(node, target, at: i)
        case is Mul: try product(node, target, at: i)
        case is Gemm, is FusedLinear, is MatMul: try dense(node, target, at: i)
        case is GlobalAveragePool, is AveragePool, is ReduceMean, is MaxPool:
          try pooled(node, target, at: i)
        default: try moved(node, target, taking: v, at: i)
        }
      if let made { return made }
    }
    return try function(x, scale, y, at: i)
  }

  /// The numbers between which a node keeps its input.
  private func bounds(_ node: Int) -> (low: Float, high: Float)? {
    guard let f = FusedActivation(g, node) else { return nil }
    return f.bounds
  }
}
