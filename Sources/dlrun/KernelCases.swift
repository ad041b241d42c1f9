import Graphs
import Kernels
import Operators
import Tensors

extension KernelCase {
  /// Sizes of real networks and some beside them, for each family of kernels.
  static let all: [KernelCase] =
    products + byteProducts + convolutions + byteConvolutions + byteImages + poolings + attention
    + rows + elementwise + movement + recurrent

  private static func size(_ list: Int...) -> String { list.map { "\($0)" }.joined(separator: "x") }

  /// With constant right factors, as layers have them, and with two that change.
  private static let products: [KernelCase] = {
    var list: [KernelCase] = []
    let sizes: [(m: Int, k: Int, n: Int)] = [
      (1, 64, 64), (1, 384, 384), (1, 768, 768), (1, 1536, 1536), (4, 768, 768), (8, 64, 64),
      (16, 768, 768), (32, 384, 1536), (128, 384, 384), (128, 384, 1152), (128, 384, 1536),
      (128, 1536, 384), (128, 768, 3072), (128, 3072, 768), (197, 192, 768), (197, 768, 192),
      (512, 768, 768), (1024, 1024, 1024), (128, 384, 8000), (3136, 64, 64),
    ]
    for s in sizes {
      list.append(
        KernelCase(
          "product", "\(size(s.m, s.k)) by \(size(s.k, s.n))", FusedLinear(),
          [.data([s.m, s.k]), .weight([s.k, s.n])]))
    }
    if let gelu = try? FusedActivation("Gelu") {
      list.append(
        KernelCase(
          "product", "128x384 by 384x1536, bias, GELU", FusedLinear(gelu),
          [.data([128, 384]), .weight([384, 1536]), .weight([1536])]))
    }
    list.append(
      KernelCase(
        "product", "128x1536 by 1536x384, bias, residual", FusedLinear(),
        [.data([128, 1536]), .weight([1536, 384]), .weight([384]), .data([128, 384])]))
    for (batch, m, k, n) in [(12, 128, 32, 128), (12, 128, 128, 32), (1, 512, 512, 512)] {
      list.append(
        KernelCase(
          "product of two", "\(size(batch, m, k)) by \(size(batch, k, n))", MatMul(),
          [.data([batch, m, k]), .data([batch, k, n])]))
    }
    return list
  }()

  private struct Layer {
    var (channels, pixels, outputs, kernel, stride) = (0, 0, 0, 3, 1)
    var group = 1
    var (dilation, isPlain) = (1, false)
    init(
      _ channels: Int, _ pixels: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1,
      group: Int = 1, dilation: Int = 1
    ) {
      (self.channels, self.pixels, self.outputs) = (channels, pixels, outputs)
      (self.kernel, self.stride, self.group) = (kernel, stride, group)
      self.dilation = dilation
      isPlain = channels < 8
    }
  }

  private static let convolutions: [KernelCase] = {
    let layers: [Layer] = [
      Layer(64, 56, 64, 3), Layer(128, 28, 128, 3), Layer(256, 14, 256, 3), Layer(512, 7, 512, 3),
      Layer(64, 56, 128, 3, stride: 2), Layer(128, 28, 256, 3, stride: 2),
      Layer(256, 14, 512, 3, stride: 2), Layer(64, 28, 64, 5), Layer(64, 28, 64, 7),
      Layer(64, 28, 64, 3, dilation: 2), Layer(64, 56, 256, 1), Layer(256, 56, 64, 1),
      Layer(128, 28, 512, 1), Layer(512, 28, 128, 1), Layer(1024, 14, 256, 1),
      Layer(256, 14, 1024, 1), Layer(2048, 7, 512, 1), Layer(512, 7, 2048, 1),
      Layer(24, 56, 144, 1), Layer(144, 56, 24, 1), Layer(3, 224, 64, 7, stride: 2),
      Layer(3, 224, 32, 3, stride: 2), Layer(24, 256, 24, 3), Layer(256, 14, 256, 3, group: 16),
      Layer(32, 112, 32, 3, group: 32), Layer(144, 56, 144, 3, group: 144),
      Layer(96, 112, 96, 3, stride: 2, group: 96), Layer(384, 14, 384, 3, group: 384),
      Layer(960, 7, 960, 3, group: 960), Layer(240, 28, 240, 5, group: 240),
      Layer(960, 7, 960, 5, group: 960), Layer(96, 56, 96, 7, group: 96),
    ]
    let layout = BlockedLayout.best
    return layers.map { l in
      let isDepthwise = l.group == l.channels && l.group > 1
      let pad = l.dilation * (l.kernel - 1) / 2
      let window = Window(
        strides: [l.stride, l.stride], dilations: [l.dilation, l.dilation],
        padsBegin: [pad, pad], padsEnd: [pad, pad])
      let blocks = (l.channels + layout.block - 1) / layout.block
      let x: Shape =
        l.isPlain
        ? [1, l.channels, l.pixels, l.pixels] : [1, blocks, l.pixels, l.pixels, layout.block]
      var title = "\(size(l.kernel, l.kernel)), \(l.channels) to \(l.outputs), "
      title += size(l.pixels, l.pixels)
      if l.stride > 1 { title += ", stride \(l.stride)" }
      if l.dilation > 1 { title += ", dilation \(l.dilation)" }
      if l.group > 1, !isDepthwise { title += ", \(l.group) groups" }
      return KernelCase(
        isDepthwise ? "depthwise" : "convolution", title,
        BlockedConv(
          Conv(window: window, group: l.group), block: layout.block, plainInput: l.isPlain),
        [
          .data(x), .weight([l.outputs, l.channels / l.group, l.kernel, l.kernel]),
          .weight([l.outputs]),
        ])
    }
  }()

  private static let poolings: [KernelCase] = {
    let block = BlockedLayout.best.block
    let (half, same) = (
      Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1]),
      Window(kernel: [3, 3], padsBegin: [1, 1], padsEnd: [1, 1])
    )
    return [
      KernelCase(
        "pooling", "largest of 3x3, 64, 112x112, stride 2", BlockedMaxPool(half),
        [.data([1, 64 / block, 112, 112, block])]),
      KernelCase(
        "pooling", "mean of 3x3, 192, 28x28", BlockedAveragePool(same),
        [.data([1, 192 / block, 28, 28, block])]),
      KernelCase(
        "pooling", "mean of all, 2048, 7x7", BlockedGlobalAveragePool(channels: 2048),
        [.data([1, 2048 / block, 7, 7, block])]),
    ]
  }()

  private static let attention: [KernelCase] = {
    let sizes: [(heads: Int, length: Int, size: Int, isCausal: Bool)] = [
      (12, 128, 32, false), (12, 128, 64, false), (12, 128, 64, true), (3, 197, 64, false),
      (6, 512, 64, false), (6, 512, 64, true), (6, 2048, 64, true),
    ]
    return sizes.map { s in
      var options = Attention.Options()
      (options.queryHeads, options.keyHeads) = (s.heads, s.heads)
      options.isCausal = s.isCausal
      let width = s.heads * s.size
      let places = (0..<3).map { HeadPlaces(offset: $0 * width, stride: s.size, size: s.size) }
      let packed = Input.data([1, s.length, 3 * width])
      return KernelCase(
        "attention", "\(s.heads) heads, \(size(s.length, s.size))" + (s.isCausal ? ", causal" : ""),
        FusedAttention(options, places), [packed, packed, packed])
    }
  }()

  private static let rows: [KernelCase] = [
    KernelCase(
      "row", "LayerNormalization 128x384", LayerNormalization(),
      [.data([128, 384]), .weight([384]), .weight([384])]),
    KernelCase(
      "row", "LayerNormalization 512x768", LayerNormalization(),
      [.data([512, 768]), .weight([768]), .weight([768])]),
    KernelCase(
      "row", "RMSNormalization 512x768", RMSNormalization(), [.data([512, 768]), .weight([768])]),
    KernelCase("row", "Softmax 1536x128", Softmax(), [.data([1536, 128])]),
    KernelCase("row", "Softmax 384x512", Softmax(), [.data([384, 512])]),
    KernelCase(
      "reduction", "mean of the last axis, 512x768", ReduceMean(ReduceAxes([1])),
      [.data([512, 768])]),
    KernelCase(
      "reduction", "mean of the first axis, 512x768", ReduceMean(ReduceAxes([0])),
      [.data([512, 768])]),
    KernelCase(
      "sorting", "TopK 10 of 1000", TopK(), [.data([32, 1000]), .ints([10])], outputs: 2),
  ]

  private static let elementwise: [KernelCase] = {
    let one: [(String, any Operator)] = [
      ("Relu", Relu()), ("Exp", Exp()), ("Log", Log()), ("Sqrt", Sqrt()), ("Tanh", Tanh()),
      ("Sigmoid", Sigmoid()), ("Swish", Swish()), ("HardSwish", HardSwish()), ("Erf", Erf()),
      ("Gelu", Gelu()), ("Gelu, tanh", Gelu(isTanh: true)), ("Softplus", Softplus()),
    ]
    let two: [(String, any Operator)] = [("Add", Add()), ("Mul", Mul()), ("Div", Div())]
    return one.map { KernelCase("elementwise", "\($0.0) of 65536", $0.1, [.data([65536])]) }
      + two.map {
        KernelCase("elementwise", "\($0.0) of 65536", $0.1, [.data([65536]), .data([65536])])
      }
      + two.map {
        KernelCase("elementwise", "\($0.0) of 1048576", $0.1, [.data([1 << 20]), .data([1 << 20])])
      } + [
        KernelCase(
          "elementwise", "Add, a row to 512x768", Add(), [.data([512, 768]), .data([768])])
      ]
  }()

  private static let movement: [KernelCase] = {
    let block = BlockedLayout.best.block
    return [
      KernelCase(
        "movement", "transpose 1024x1024", Transpose(perm: [1, 0]), [.data([1024, 1024])]),
      KernelCase(
        "movement", "transpose heads 128x12x64", Transpose(perm: [1, 0, 2]), [.data([128, 12, 64])]),
      KernelCase(
        "movement", "to blocks, 64x56x56", ToBlocked(block: block), [.data([1, 64, 56, 56])]),
      KernelCase(
        "movement", "from blocks, 64x56x56", FromBlocked(channels: 64),
        [.data([1, 64 / block, 56, 56, block])]),
      KernelCase(
        "movement", "Gather 128 rows of 8000x384", Gather(),
        [.weight([8000, 384]), .indices([128], below: 8000)]),
      KernelCase(
        "movement", "Concat 2 of 32x56x56", Concat(axis: 1),
        [.data([1, 32, 56, 56]), .data([1, 32, 56, 56])]),
    ]
  }()

  private static let recurrent: [KernelCase] = {
    func make(
      _ name: String, _ op: any Operator, _ gates: Int, _ steps: Int, _ batch: Int, _ input: Int,
      _ hidden: Int
    ) -> KernelCase {
      KernelCase(
        "recurrent", "\(name), \(steps) steps, batch \(batch), \(input) to \(hidden)", op,
        [
          .data([steps, batch, input]), .weight([1, gates * hidden, input]),
          .weight([1, gates * hidden, hidden]), .weight([1, 2 * gates * hidden]),
        ])
    }
    let lstm = LSTM(RecurrentOptions(hiddenSize: 128))
    let gru = GRU(RecurrentOptions(hiddenSize: 96), linearBeforeReset: true)
    return [
      make("LSTM", lstm, 4, 50, 1, 64, 128), make("LSTM", lstm, 4, 50, 8, 64, 128),
      make("GRU", gru, 3, 100, 1, 40, 96), make("GRU", gru, 3, 100, 8, 40, 96),
    ]
  }()
}
