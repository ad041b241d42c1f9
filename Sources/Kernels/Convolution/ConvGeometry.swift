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

  var window: dl_window {
    func triple(_ list: [Int]) -> (Int, Int, Int) { (list[0], list[1], list[2]) }
    return dl_window(
      input: triple(input), output: triple(output), kernel: triple(kernel),
      stride: triple(strides), dilation: triple(dilations), pad: triple(pads))
  }
}
