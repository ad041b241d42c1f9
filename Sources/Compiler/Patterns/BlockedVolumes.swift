import Graphs
import Operators
import Tensors

// How BlockedWalk takes volumes, [N, C, D, H, W]: their planes are images one after another, so that
// what does not reach across planes is the same as for images.
extension BlockedWalk {
  /// Planes of a volume, where they are known; nil for images.
  func depth(_ v: ValueID) -> Int? {
    guard let dims = g.dims(v), dims.count == 5, let d = dims[2].known, d > 0 else { return nil }
    return d
  }

  func isVolume(_ v: ValueID) -> Bool { g.dims(v)?.count == 5 }

  /// Whether a convolution over three axes meets more than one plane, or leaves some out.
  func reachesAcrossPlanes(_ conv: Conv, _ weights: Tensor) -> Bool {
    let w = conv.window
    return weights.shape[2] > 1 || w.stride(0) > 1 || (w.padsBegin.first ?? 0) != 0
      || (w.padsEnd.count == 3 && w.padsEnd[0] != 0)
  }

  /// A window over three axes without the first.
  func planarVolume(_ window: Window) -> Window {
    func two(_ list: [Int]) -> [Int] { list.count == 3 ? Array(list.dropFirst()) : [] }
    return Window(
      kernel: two(window.kernel), strides: two(window.strides), dilations: two(window.dilations),
      padsBegin: two(window.padsBegin), padsEnd: two(window.padsEnd), autoPad: window.autoPad,
      ceilMode: window.ceilMode)
  }

  mutating func volumeConvolution(
    _ i: Int, _ node: ConvNode, _ x: ValueID, isPlain: Bool
  ) throws(EngineError) -> Made? {
    guard let depth = depth(x) else { return nil }
    var inputs: [ValueID?] = [isPlain ? x : try image(x, at: i), node.inputs[1]]
    if node.inputs.count > 2 { inputs.append(node.inputs[2]) }
    if let z = node.residual {
      while inputs.count < 3 { inputs.append(nil) }
      inputs.append(try image(z, at: i))
    }
    let op = BlockedVolumeConv(
      node.conv, node.activation, block: layout.block, depth: depth, plainInput: isPlain)
    return .image(try g.addOne(op, inputs, at: i, name: g.node(i).name))
  }

  /// A transposed convolution whose planes do not overlap: the taps along the depth are outputs side
  /// by side of one over two axes, whose blocks lie as the planes do that they become.
  mutating func volumeTransposed(
    _ i: Int, _ op: ConvTranspose, _ x: ValueID, _ weights: Tensor
  ) throws(EngineError) -> Made? {
    let (c, m, planes) = (weights.shape[0], weights.shape[1], weights.shape[2])
    let w = op.window
    let isDense = (0...2).allSatisfy {
      w.dilation($0) == 1 && weights.shape[$0 + 2] >= w.stride($0)
    }
    guard let image = images[x], channels(x) == c, let y = g.output(i), let dims = g.dims(y),
      dims.count == 5, let h = dims[3].known, let width = dims[4].known, h > 0, width > 0,
      op.group == 1, isDense, m > 0, planes == w.stride(0), w.autoPad == .explicit,
      (w.padsBegin.first ?? 0) == 0, w.padsEnd.count < 3 || w.padsEnd[0] == 0,
      (op.outputPadding.first ?? 0) == 0, op.outputShape.isEmpty
    else {
      g.miss(i, "\(BlockedImages.name): it is no transposed convolution of planes side by side")
      return nil
    }
    let (flat, padded) = (weights.shape[3] * weights.shape[4], layout.padded(m))
    let from = weights.elements(Float.self)
    var list = [Float](repeating: 0, count: c * planes * padded * flat)
    for row in 0..<c * m * planes {
      let (d, at) = (row % planes, row / planes)
      let to = ((at / m * planes + d) * padded + at % m) * flat
      for k in 0..<flat { list[to + k] = from[row * flat + k] }
    }
    let kernel = try Tensor(
      shape: [c, planes * padded, weights.shape[3], weights.shape[4]], list)
    var inputs: [ValueID?] = [image, g.addConstant(kernel)]
    if let b = g.input(i, 2) {
      guard let bias = g.constant(b), bias.dtype == .float32, bias.count == m else { return nil }
      let each = Array(bias.elements(Float.self)) + [Float](repeating: 0, count: padded - m)
      inputs.append(g.addConstant(try Tensor((0..<planes).flatMap { _ in each })))
    }
    let conv = ConvTranspose(
      window: planarVolume(w), outputPadding: Array(op.outputPadding.dropFirst()))
    let made = try g.addOne(
      BlockedConvTranspose(conv, block: layout.block), inputs, at: i, name: g.node(i).name)
    let (lanes, blocks) = (layout.block, padded / layout.block)
    let shape = try g.addInts([-1, blocks, h, width, lanes])
    return .image(try g.addOne(Reshape(), [made, shape], at: i))
  }

  /// A pooling over three axes: one over rows and columns, then one over planes, whose rows are those
  /// of an image as high as the volume is deep. Largest elements, and means with their counts, are
  /// products of the two.
  mutating func volumePool(
    _ i: Int, _ window: Window, _ x: ValueID, _ y: ValueID, _ make: (Window) -> any Operator
  ) throws(EngineError) -> Made? {
    guard let image = images[x], let from = depth(x), let to = depth(y), let c = channels(y),
      let dims = g.dims(y), let h = dims[3].known, let w = dims[4].known, h > 0, w > 0,
      window.kernel.count == 3
    else { return nil }
    func first(_ list: [Int], _ other: Int) -> [Int] {
      list.isEmpty ? [] : [list[0], other]
    }
    var made = image
    let flat = planarVolume(window)
    let isFlat = g.dims(x).map { Array($0[3...]) == Array(dims[3...]) } ?? false
    if !isFlat || flat.kernel != [1, 1] {
      made = try g.addOne(make(flat), [made], at: i)
    }
    if from != to || window.kernel[0] > 1 {
      let deep = Window(
        kernel: first(window.kernel, 1), strides: first(window.strides, 1),
        dilations: first(window.dilations, 1), padsBegin: first(window.padsBegin, 0),
        padsEnd: first(window.padsEnd, 0), autoPad: window.autoPad, ceilMode: window.ceilMode)
      let (lanes, blocks) = (layout.block, layout.padded(c) / layout.block)
      let rows = try g.addOne(
        Reshape(), [made, g.addInts([-1, 1, from, blocks * h * w, lanes])], at: i)
      let pooled = try g.addOne(make(deep), [rows], at: i)
      made = try g.addOne(Reshape(), [pooled, g.addInts([-1, blocks, h, w, lanes])], at: i)
    }
    return .image(made)
  }

  /// The mean of each channel of a volume, as one of a pixel: that of the means of its planes.
  func volumeMean(_ i: Int, _ image: ValueID, _ x: ValueID, _ c: Int) throws(EngineError)
    -> ValueID
  {
    let mean = try g.addOne(
      BlockedGlobalAveragePool(channels: c, keepsBlocks: true), [image], at: i)
    guard let depth = depth(x), depth > 1 else { return mean }
    let (lanes, padded) = (layout.block, layout.padded(c))
    let planes = try g.addOne(Reshape(), [mean, g.addInts([-1, depth, padded])], at: i)
    let total = try g.addOne(
      ReduceMean(ReduceAxes(keepDims: false)), [planes, g.addInts([1])], at: i)
    return try g.addOne(Reshape(), [total, g.addInts([-1, padded / lanes, 1, 1, lanes])], at: i)
  }

  /// Whether a value's planes meet those of a volume of `depth`; always where there are none.
  func fits(_ v: ValueID, _ depth: Int?) -> Bool {
    guard let depth, isVolume(v), g.constant(v) == nil else { return true }
    guard let own = self.depth(v), let dims = g.dims(v) else { return false }
    return own == depth || own == 1 && dims[3].known != nil && dims[4].known != nil
  }

  /// A volume of one plane with that plane for each of `depth`.
  func repeated(_ image: ValueID, _ c: Int, _ depth: Int, at place: Int) throws(EngineError)
    -> ValueID
  {
    guard let dims = g.dims(image), dims.count == 5, let h = dims[2].known, let w = dims[3].known
    else { throw EngineError(.internalDefect, "planes of unknown size are repeated") }
    let (lanes, blocks) = (layout.block, layout.padded(c) / layout.block)
    let planes = try g.addOne(Unsqueeze(), [image, g.addInts([1])], at: place)
    let all = try g.addOne(Expand(), [planes, g.addInts([1, depth, 1, 1, 1, 1])], at: place)
    return try g.addOne(Reshape(), [all, g.addInts([-1, blocks, h, w, lanes])], at: place)
  }
}
