import Graphs
import Operators
import Tensors

/// Uses of operators in modes that the cases of their schemas leave out, for `GradientCheck`.
enum GradientModes {
  /// Distinct numbers between -1.5 and 1.5, none of them 0 and no two the same up to 31.
  static func wave(_ shape: [Int], _ phase: Int = 0) throws -> Tensor {
    let shape = Shape(shape)
    return try Tensor(
      shape: shape,
      (0..<shape.count).map { i in
        let k = (i * 12 + phase * 5) % 31
        return Float(k) / 10 - 1.47 + Float(i / 31) * 0.013
      })
  }
  static func ints(_ values: Int...) throws -> Tensor { try Tensor(values.map { Int64($0) }) }

  static func all() throws -> [(name: String, case: Schema.Case)] {
    var list: [(name: String, case: Schema.Case)] = []
    func add(
      _ name: String, _ op: any Operator, _ inputs: [Tensor?], outputs: Int = 1
    ) { list.append((name, .init(op, inputs, outputCount: outputs))) }
    try products(add)
    try convolutions(add)
    try pools(add)
    try resizing(add)
    try sampling(add)
    try attention(add)
    try others(add)
    try ContribGradientModes.add(to: add)
    try RecurrentGradientModes.add(to: add)
    return list
  }
  typealias Add = (String, any Operator, [Tensor?], Int) -> Void

  private static func products(_ add: Add) throws {
    add("vectors", MatMul(), [try wave([4]), try wave([4], 2)], 1)
    add("rows by stack", MatMul(), [try wave([3]), try wave([2, 3, 2], 1)], 1)
    add("stacks broadcast", MatMul(), [try wave([2, 1, 2, 3]), try wave([3, 3, 2], 1)], 1)
    add("one matrix of A", MatMul(), [try wave([2, 3]), try wave([2, 3, 2], 1)], 1)
    add(
      "Gemm, all turned, C a column", Gemm(alpha: 0.5, beta: -2, transA: true, transB: true),
      [try wave([3, 2]), try wave([4, 3], 1), try wave([2, 1], 2)], 1)
    add(
      "Einsum, ellipsis", try Einsum("...ij,...jk->...ik"),
      [try wave([2, 2, 3]), try wave([3, 2])], 1)
    add("Einsum, diagonal", try Einsum("iij,j->ij"), [try wave([2, 2, 3]), try wave([3], 1)], 1)
    add("Einsum, implicit", try Einsum("ij,kj"), [try wave([2, 3]), try wave([2, 3], 1)], 1)
  }

  private static func convolutions(_ add: Add) throws {
    func window(
      _ strides: [Int] = [], _ dilations: [Int] = [], _ begin: [Int] = [], _ end: [Int] = [],
      _ mode: Window.AutoPad = .explicit
    ) -> Window {
      Window(
        strides: strides, dilations: dilations, padsBegin: begin, padsEnd: end, autoPad: mode)
    }
    add(
      "1-D, unread end", Conv(window: window([3])),
      [try wave([2, 2, 9]), try wave([3, 2, 2], 1)], 1)
    add(
      "3-D", Conv(window: window([2, 1, 1], [], [1, 0, 1], [0, 1, 0])),
      [try wave([1, 2, 3, 3, 2]), try wave([2, 2, 2, 2, 2], 1), try wave([2], 3)], 1)
    add(
      "depthwise, strided", Conv(window: window([2, 2], [], [1, 1], [1, 1]), group: 3),
      [try wave([2, 3, 5, 4]), try wave([3, 1, 3, 3], 1)], 1)
    add(
      "depthwise, dilated", Conv(window: window([], [2, 1], [2, 1], [2, 1]), group: 2),
      [try wave([1, 2, 4, 4]), try wave([2, 1, 3, 3], 1)], 1)
    add(
      "groups, SAME_LOWER", Conv(window: window([2, 2], [], [], [], .sameLower), group: 2),
      [try wave([1, 4, 5, 4]), try wave([4, 2, 2, 3], 1)], 1)
    add("1x1", Conv(), [try wave([2, 3, 2, 2]), try wave([4, 3, 1, 1], 1)], 1)
    add(
      "transposed, SAME_UPPER", ConvTranspose(window: window([2, 2], [], [], [], .sameUpper)),
      [try wave([1, 2, 3, 2]), try wave([2, 2, 3, 3], 1)], 1)
    add(
      "transposed, more output", ConvTranspose(window: window([3]), outputShape: [12]),
      [try wave([1, 2, 3]), try wave([2, 1, 2], 1), try wave([1], 2)], 1)
    add(
      "transposed, dilated", ConvTranspose(window: window([2], [2], [1], [2]), outputPadding: [1]),
      [try wave([2, 2, 4]), try wave([2, 2, 3], 1)], 1)
    add(
      "Col2Im", Col2Im(window: window([], [1, 2], [0, 1], [1, 0])),
      [try wave([1, 4, 9]), try ints(3, 4), try ints(2, 2)], 1)
  }

  private static func pools(_ add: Add) throws {
    let x = try wave([1, 2, 5, 6])
    let ceil = Window(
      kernel: [3, 2], strides: [2, 3], padsBegin: [1, 0], padsEnd: [0, 1], ceilMode: true)
    let same = Window(kernel: [2, 3], strides: [2, 2], autoPad: .sameLower)
    let dilated = Window(kernel: [2, 2], strides: [1, 2], dilations: [2, 3])
    for (name, window) in [("ceil", ceil), ("same", same), ("dilated", dilated)] {
      add("average, \(name)", AveragePool(window), [x], 1)
      add("average with pads, \(name)", AveragePool(window, countsPads: true), [x], 1)
      add("max, \(name)", MaxPool(window), [x], 1)
      add("norm, \(name)", LpPool(window, p: 2), [x], 1)
    }
    add("max, columns first", MaxPool(ceil, isColumnMajor: true), [x], 2)
    add("norm 1", LpPool(Window(kernel: [2, 2]), p: 1), [x], 1)
    add("1-D", AveragePool(Window(kernel: [3])), [try wave([2, 2, 5])], 1)
    add("3-D", MaxPool(Window(kernel: [2, 2, 2])), [try wave([1, 1, 3, 3, 3])], 1)
    add("global norm 1", GlobalLpPool(p: 1), [x], 1)
  }

  private static func resizing(_ add: Add) throws {
    let x = try wave([1, 1, 4, 5])
    let sizes = try ints(1, 1, 7, 3)
    let roi = try Tensor([0, 0, 0.1, 0.2, 1, 1, 0.9, 1.3] as [Float])
    for coordinates in CoordinateMode.allCases where coordinates != .halfPixelForNearest {
      let region = coordinates == .cropAndResize ? roi : nil
      for mode in [Resize.Mode.nearest, .linear, .cubic] {
        var op = Resize(mode: mode, coordinates: coordinates)
        op.extrapolation = 2
        add("\(mode), \(coordinates)", op, [x, region, nil, sizes], 1)
      }
    }
    for rounding in NearestMode.allCases where rounding != .simple {
      var op = Resize()
      op.rounding = rounding
      add("nearest, \(rounding)", op, [x, nil, try Tensor([1, 1, 1.5, 0.6] as [Float])], 1)
    }
    var cubic = Resize(mode: .cubic)
    cubic.excludesOutside = true
    cubic.cubicA = -0.5
    add("cubic without outside", cubic, [x, nil, nil, sizes], 1)
    add("linear, antialias", Resize(mode: .linear, antialias: true), [x, nil, nil, sizes], 1)
    var some = Resize(mode: .linear)
    some.axes = [3, 2]
    some.policy = .notLarger
    add("axes, aspect kept", some, [x, nil, nil, try ints(4, 9)], 1)
    add("not at all", Resize(), [x, nil, nil, try ints(1, 1, 4, 5)], 1)
  }

  private static func sampling(_ add: Add) throws {
    let x = try wave([1, 2, 3, 4])
    let grid = try Tensor(
      shape: [1, 2, 3, 2],
      [-0.8, 0.3, 0.1, -0.45, 0.65, 1.4, -1.7, 0.2, 0.33, -1.9, 2.3, 0.77] as [Float])
    for mode in [GridSample.Mode.linear, .nearest, .cubic] {
      for padding in [GridSample.Padding.zeros, .border, .reflection] {
        for aligns in [true, false] {
          add(
            "\(mode), \(padding), \(aligns)",
            GridSample(mode: mode, padding: padding, alignsCorners: aligns), [x, grid], 1)
        }
      }
    }
    let deep = try Tensor(
      shape: [1, 1, 1, 2, 3], [0.2, -0.7, 0.45, -0.31, 0.6, 1.3] as [Float])
    add("3-D", GridSample(), [try wave([1, 1, 2, 3, 2]), deep], 1)
    add(
      "AffineGrid 3-D", AffineGrid(), [try wave([1, 3, 4]), try ints(1, 1, 2, 2, 3)], 1)
    let rois = try Tensor(shape: [2, 4], [0.2, 0.3, 2.9, 3.1, -1, 0.47, 3.3, 2.2] as [Float])
    let images = try ints(0, 1)
    let maps = try wave([2, 2, 4, 4])
    add(
      "RoiAlign, max", RoiAlign(height: 2, width: 2, samples: 2, scale: 0.8, takesMax: true),
      [maps, rois, images], 1)
    add(
      "RoiAlign, adaptive", RoiAlign(height: 1, width: 2, isHalfPixel: false),
      [maps, rois, images], 1)
  }

  private static func attention(_ add: Add) throws {
    func options(_ change: (inout Attention.Options) -> Void) -> Attention {
      var o = Attention.Options()
      change(&o)
      return Attention(o)
    }
    let (q, k, v) = (
      try wave([2, 4, 3, 2]), try wave([2, 2, 3, 2], 1), try wave([2, 2, 3, 3], 2)
    )
    let past = (try wave([2, 2, 2, 2], 3), try wave([2, 2, 2, 3], 4))
    add(
      "causal with past, softcap", options { ($0.isCausal, $0.softcap) = (true, 1.5) },
      [q, k, v, nil, past.0, past.1], 3)
    add(
      "float mask, capped scores shown", options { ($0.scoreMode, $0.softcap) = (1, 2) },
      [q, k, v, try wave([3, 3], 5)], 4)
    add(
      "short bool mask, weights shown", options { ($0.scoreMode, $0.scale) = (3, 0.7) },
      [q, k, v, try Tensor(shape: [3, 2], [true, false, true, true, false, true])], 4)
    add(
      "windows", options { ($0.leftWindow, $0.rightWindow) = (1, 0) }, [q, k, v], 1)
    add(
      "lengths, causal", options { $0.isCausal = true },
      [q, k, v, nil, nil, nil, try ints(2, 3)], 1)
    add(
      "flat", options { ($0.queryHeads, $0.keyHeads) = (2, 1) },
      [try wave([1, 3, 4]), try wave([1, 2, 2], 1), try wave([1, 2, 3], 2)], 1)
  }

  private static func others(_ add: Add) throws {
    let x = try wave([2, 3, 4])
    for axis in [0, 1] {
      add("Softmax 11, \(axis)", Softmax(SoftmaxAxis(axis, flattens: true)), [x], 1)
      add("LogSoftmax 11, \(axis)", LogSoftmax(SoftmaxAxis(axis, flattens: true)), [x], 1)
    }
    let zeros = try Tensor(shape: [2, 3], [0.5, 0, -2, 0, 3, 0] as [Float])
    add("CumProd with zeros", CumProd(), [zeros, try Tensor(scalar: Int64(1))], 1)
    add(
      "CumProd with zeros, back", CumProd(CumulativeOptions(isExclusive: true, isReverse: true)),
      [zeros, try Tensor(scalar: Int64(-1))], 1)
    add("ReduceProd with zeros", ReduceProd(), [zeros, try ints(1)], 1)
    add("ReduceProd over all", ReduceProd(), [x], 1)
    for op: any Operator in [
      Pad(), Pad(mode: .reflect), Pad(mode: .edge), Pad(mode: .wrap),
    ] {
      add("\(op)", op, [x, try ints(0, 1, 2, 0, 1, 1)], 1)
      add("\(op), cut", op, [x, try ints(0, -1, 2, 0, 0, -1)], 1)
    }
    add(
      "Pad value", Pad(), [x, try ints(1, -1, 0, 0), try Tensor(scalar: Float(3)), try ints(0, 2)],
      1)
    add("Gather axis 1", Gather(axis: 1), [x, try ints(2, 0, 2)], 1)
    add(
      "Gather axis -1, matrix", Gather(axis: -1),
      [x, try Tensor(shape: [2, 2], [0, 3, 1, 3] as [Int64])], 1)
    add("TopK smallest", TopK(axis: 1, isLargest: false), [x, try ints(2)], 1)
    add("Det of a stack", Det(), [try wave([2, 3, 3])], 1)
    add("DFT, axis 0", DFT(axis: 0), [try wave([4, 3, 2])], 1)
    add("DFT, longer", DFT(), [try wave([1, 3, 2]), try Tensor(scalar: Int64(5))], 1)
    add(
      "DFT, shorter", DFT(isInverse: true), [try wave([1, 6, 2]), try Tensor(scalar: Int64(4))], 1)
    add("DFT, real, one side, odd", DFT(isOneSided: true), [try wave([2, 5, 1])], 1)
    add(
      "DFT, from one side, odd", DFT(isInverse: true, isOneSided: true),
      [try wave([1, 3, 2]), try Tensor(scalar: Int64(5))], 1)
    add(
      "STFT with window, rank 2", STFT(),
      [try wave([2, 9]), try Tensor(scalar: Int64(2)), try wave([4], 1)], 1)
    let parameters = [try wave([3], 1), try wave([3], 2), try wave([3], 3)]
    add(
      "BatchNormalization, all outputs", BatchNormalization(epsilon: 1e-3, isTraining: true),
      [try wave([3, 3, 2])] + parameters + [try Tensor([1, 2, 0.7] as [Float])], 3)
    add(
      "BatchNormalization, rank 2", BatchNormalization(isTraining: true),
      [try wave([4, 3])] + parameters + [try Tensor([1, 2, 0.7] as [Float])], 1)
    add(
      "LayerNormalization, wide scale", LayerNormalization(axis: -2),
      [x, try wave([2, 1, 4], 1), try wave([3, 1], 2)], 1)
    add("LRN, even", LRN(size: 4, alpha: 0.3, bias: 1.5), [try wave([2, 5])], 1)
    add(
      "Slice back", Slice(),
      [x, try ints(3, -1), try ints(-9, 0), try ints(2, 1), try ints(-2, -1)], 1)
    add("Tile", Tile(), [try wave([2, 1]), try ints(2, 3)], 1)
    add(
      "LpNormalization, zero row", LpNormalization(),
      [try Tensor(shape: [2, 2], [0.5, 2, 1, -3] as [Float])], 1)
  }
}
