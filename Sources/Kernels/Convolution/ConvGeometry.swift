import CKernels

/// The numbers of a convolution over one to three spatial axes.
///
/// Tensors are `[batch, groups * channels, spatial...]` in, `[batch, groups * outputs, spatial...]`
/// out, weights `[groups * outputs, channels, kernel...]`.
public struct ConvGeometry: Hashable, Sendable {
  public let batch: Int
  public let groups: Int
  /// Input channels of one group.
  public let channels: Int
  /// Output channels of one group.
  public let outputs: Int
  /// Three elements each: depth, height, width; absent axes have size 1.
  public let input: [Int]
  public let output: [Int]
  public let kernel: [Int]
  public let strides: [Int]
  public let dilations: [Int]
  /// Zeros before each axis; what follows the input counts as zero wherever a window reaches.
  public let pads: [Int]

  /// Lists have one element for each of one to three spatial axes. Where every pixel stands for
  /// itself they become one long row, unless `keepsAxes`.
  public init(
    batch: Int, groups: Int, channels: Int, outputs: Int, input: [Int], output: [Int],
    kernel: [Int], strides: [Int], dilations: [Int], pads: [Int], keepsAxes: Bool = false
  ) {
    precondition((1...3).contains(input.count), "\(input.count) spatial axes")
    func three(_ list: [Int], _ filler: Int) -> [Int] {
      precondition(list.count == input.count, "lists of different lengths")
      return [Int](repeating: filler, count: 3 - list.count) + list
    }
    self.batch = batch
    self.groups = groups
    self.channels = channels
    self.outputs = outputs
    if kernel.allSatisfy({ $0 == 1 }) && strides.allSatisfy({ $0 == 1 })
      && pads.allSatisfy({ $0 == 0 }) && input == output && !keepsAxes
    {
      self.input = [1, 1, input.reduce(1, *)]
      self.output = self.input
      (self.kernel, self.strides, self.dilations) = ([1, 1, 1], [1, 1, 1], [1, 1, 1])
      self.pads = [0, 0, 0]
      return
    }
    self.input = three(input, 1)
    self.output = three(output, 1)
    self.kernel = three(kernel, 1)
    self.strides = three(strides, 1)
    self.dilations = three(dilations, 1)
    self.pads = three(pads, 0)
  }

  public var inputPixels: Int { input.reduce(1, *) }
  public var outputPixels: Int { output.reduce(1, *) }
  public var taps: Int { kernel.reduce(1, *) }
  public var inputCount: Int { batch * groups * channels * inputPixels }
  public var outputCount: Int { batch * groups * outputs * outputPixels }
  public var weightCount: Int { groups * outputs * channels * taps }

  /// Taps from `first` on, of which `count` lie along each axis.
  public struct Taps: Hashable, Sendable {
    public let first: [Int]
    public let count: [Int]
  }

  /// The convolution without the outer taps that meet nothing but padding, wherever the window
  /// lies, as wide dilations have on small images; nil where there are none.
  public var trimmed: (geometry: ConvGeometry, taps: Taps)? {
    var (first, count, before) = ([0, 0, 0], kernel, pads)
    for i in 0..<3 where kernel[i] > 1 && input[i] > 0 && output[i] > 0 {
      func meets(_ tap: Int) -> Bool {
        let start = tap * dilations[i] - pads[i]
        if start >= input[i] { return false }
        let step = start >= 0 ? 0 : (-start + strides[i] - 1) / strides[i]
        return step < output[i] && start + step * strides[i] < input[i]
      }
      while count[i] > 1, before[i] >= dilations[i], !meets(first[i]) {
        (first[i], count[i], before[i]) = (first[i] + 1, count[i] - 1, before[i] - dilations[i])
      }
      while count[i] > 1, !meets(first[i] + count[i] - 1) { count[i] -= 1 }
    }
    if count == kernel { return nil }
    let geometry = ConvGeometry(
      batch: batch, groups: groups, channels: channels, outputs: outputs, input: input,
      output: output, kernel: count, strides: strides, dilations: dilations, pads: before)
    return (geometry, Taps(first: first, count: count))
  }

  /// The weights of some taps, from those of all.
  func weights(_ taps: Taps, of all: UnsafePointer<Float>) -> [Float] {
    var list: [Float] = []
    list.reserveCapacity(groups * outputs * channels * taps.count.reduce(1, *))
    for row in 0..<groups * outputs * channels {
      for d in taps.first[0]..<taps.first[0] + taps.count[0] {
        for h in taps.first[1]..<taps.first[1] + taps.count[1] {
          for w in taps.first[2]..<taps.first[2] + taps.count[2] {
            list.append(all[row * self.taps + (d * kernel[1] + h) * kernel[2] + w])
          }
        }
      }
    }
    return list
  }

  var window: dl_window {
    func triple(_ list: [Int]) -> (Int, Int, Int) { (list[0], list[1], list[2]) }
    return dl_window(
      input: triple(input), output: triple(output), kernel: triple(kernel),
      stride: triple(strides), dilation: triple(dilations), pad: triple(pads))
  }
}
