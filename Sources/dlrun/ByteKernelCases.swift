import Graphs
import Kernels
import Operators
import Tensors

extension KernelCase {
  private static let scale = PixelScale(0.05, zero: 117)
  private static func step(_ channels: Int) -> Int { (channels + 3) / 4 * 4 }

  /// Layers of ResNet-50, MobileNetV2 and EfficientNet on bytes.
  static let byteConvolutions: [KernelCase] = {
    // Channels, pixels along an edge, outputs, kernel, stride, groups; whether it adds an image.
    let layers: [(c: Int, n: Int, m: Int, k: Int, s: Int, g: Int, adds: Bool)] = [
      (3, 224, 64, 7, 2, 1, false), (64, 56, 64, 3, 1, 1, false), (128, 28, 128, 3, 1, 1, false),
      (256, 14, 256, 3, 1, 1, false), (512, 7, 512, 3, 1, 1, false),
      (128, 56, 128, 3, 2, 1, false), (64, 56, 256, 1, 1, 1, false), (64, 56, 256, 1, 1, 1, true),
      (256, 56, 64, 1, 1, 1, false), (1024, 14, 256, 1, 1, 1, false),
      (256, 14, 1024, 1, 1, 1, false), (512, 7, 2048, 1, 1, 1, false),
      (24, 56, 144, 1, 1, 1, false), (144, 56, 24, 1, 1, 1, false), (32, 112, 16, 1, 1, 1, false),
      (128, 14, 128, 3, 1, 32, false), (32, 112, 32, 3, 1, 32, false),
      (144, 56, 144, 3, 1, 144, false), (384, 14, 384, 3, 1, 384, false),
      (96, 112, 96, 3, 2, 96, false), (240, 28, 240, 5, 1, 240, false),
    ]
    return layers.map { l in
      let pad = (l.k - 1) / 2
      let window = Window(
        strides: [l.s, l.s], padsBegin: [pad, pad], padsEnd: [pad, pad])
      let out = (l.n - 1) / l.s + 1
      let isDepthwise = l.g == l.c && l.g > 1
      var title = "\(l.k)x\(l.k), \(l.c) to \(l.m), \(l.n)x\(l.n)"
      if l.s > 1 { title += ", stride \(l.s)" }
      if l.g > 1, !isDepthwise { title += ", \(l.g) groups" }
      var inputs: [Input] = [
        .data([1, l.n, l.n, step(l.c)], .uint8), .weight([l.m, l.c / l.g, l.k, l.k], .int8),
        .weight([l.m]),
      ]
      if l.adds {
        title += ", plus an image"
        inputs += [.none, .data([1, out, out, step(l.m)], .uint8)]
      }
      let residual = l.adds ? ByteFinish.Residual(scale, own: scale) : nil
      return KernelCase(
        isDepthwise ? "byte depthwise" : "byte convolution", title,
        ByteConv(
          Conv(window: window, group: l.g), scale,
          ByteFinish(PixelScale(40, zero: 128), residual: residual)), inputs)
    }
  }()

  /// What stands between convolutions of bytes.
  static let byteImages: [KernelCase] = {
    let half = Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])
    let image: Input = .data([1, 56, 56, 256], .uint8)
    return [
      KernelCase(
        "byte image", "quantise 3x224x224", ToBytes(scale), [.data([1, 3, 224, 224])]),
      KernelCase(
        "byte image", "dequantise 64x56x56", FromBytes(channels: 64, scale),
        [.data([1, 56, 56, 64], .uint8)]),
      KernelCase(
        "byte image", "largest of 3x3, 64, 112x112, stride 2", ByteMaxPool(half),
        [.data([1, 112, 112, 64], .uint8)]),
      KernelCase(
        "byte image", "mean of all, 2048, 7x7", ByteAveragePool(Window(), scale, scale),
        [.data([1, 7, 7, 2048], .uint8)]),
      KernelCase(
        "byte image", "sum of 256x56x56", ByteAdd(BytePairScales(scale, scale, to: scale)),
        [image, image]),
      KernelCase(
        "byte image", "table over 256x56x56", ByteTable(), [image, .weight([256], .uint8)]),
    ]
  }()
}
