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

  /// The same convolution over height and width of images of another size.
  public init(
    _ other: ConvGeometry, batch: Int, input: (Int, Int), output: (Int, Int), pads: (Int, Int)
  ) {
    self.batch = batch
    (groups, channels, outputs) = (other.groups, other.channels, other.outputs)
    (kernel, strides, dilations) = (other.kernel, other.strides, other.dilations)
    // Where every pixel stands for itself is no matter of sizes.
    if other.taps == 1 && strides[1] == 1 && strides[2] == 1 && pads == (0, 0) {
      self.input = [1, 1, input.0 * input.1]
      self.output = self.input
      self.pads = other.pads
      return
    }
    self.input = [1, input.0, input.1]
    self.output = [1, output.0, output.1]
    self.pads = pads == (other.pads[1], other.pads[2]) ? other.pads : [0, pads.0, pads.1]
  }

  public var inputPixels: Int { input.reduce(1, *) }
  public var outputPixels: Int { output.reduce(1, *) }
  public var taps: Int { kernel.reduce(1, *) }
  public var inputCount: Int { batch * groups * channels * inputPixels }
  public var outputCount: Int { batch * groups * outputs * outputPixels }
  public var weightCount: Int { groups * outputs * channels * taps }

  /// Taps from `first` on, of which `count` lie along each axis.
  struct Taps: Hashable, Sendable {
    let first: [Int]
    let count: [Int]
  }

  /// Whether a tap meets nothing but padding, wherever the window lies.
  private func isIdle(_ tap: Int, _ axis: Int) -> Bool {
    let start = tap * dilations[axis] - pads[axis]
    if start >= input[axis] { return true }
    let step = start >= 0 ? 0 : (-start + strides[axis] - 1) / strides[axis]
    return step >= output[axis] || start + step * strides[axis] >= input[axis]
  }

  /// Whether outer taps meet nothing but padding, as those of wide dilations do on small images.
  public var hasIdleTaps: Bool {
    for i in 0..<3 where kernel[i] > 1 && input[i] > 0 && output[i] > 0 {
      if isIdle(kernel[i] - 1, i) || (pads[i] >= dilations[i] && isIdle(0, i)) { return true }
    }
    return false
  }

  /// The convolution without its idle outer taps; nil where it has none.
  var trimmed: (geometry: ConvGeometry, taps: Taps)? {
    guard hasIdleTaps else { return nil }
    var (first, count, before) = ([0, 0, 0], kernel, pads)
    for i in 0..<3 where kernel[i] > 1 && input[i] > 0 && output[i] > 0 {
      while count[i] > 1, before[i] >= dilations[i], isIdle(first[i], i) {
        (first[i], count[i], before[i]) = (first[i] + 1, count[i] - 1, before[i] - dilations[i])
      }
      while count[i] > 1, isIdle(first[i] + count[i] - 1, i) { count[i] -= 1 }
    }
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
