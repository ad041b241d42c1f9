import Tensors

/// How the outputs of a byte convolution fall into panels, and where the weights of each lie.
public struct BytePanels: Sendable {
  /// Neighbouring outputs that a register tile computes together.
  struct Panel: Sendable {
    let first: Int
    let columns: Int
    let vectors: Int
    let lanes: Int
    /// Whether its last vector holds half of its columns: half a vector costs half.
    let isHalf: Bool
    /// The first input channel that they read, and how many, in fours.
    let channel: Int
    let fours: Int
    /// Bytes before its weights.
    let offset: Int
    /// Numbers before its constants.
    let constants: Int
  }

  let isa: InstructionSet
  let geometry: ConvGeometry
  /// Bytes of an input pixel.
  let step: Int
  let isDepthwise: Bool
  /// Whether all taps of a row are one: they lie side by side, and a few channels alone would not
  /// keep a tile busy.
  let isMerged: Bool
  /// Bytes from one tap of a merged row to the next: fewer than `step` where that saves fours.
  let tapStep: Int
  let isWide: Bool
  /// Whether a panel's columns are whole groups of 4, 8 or 16 outputs and as many channels, of which
  /// each sums up its own.
  let isGrouped: Bool
  /// Whether each vector's lanes are neighbouring outputs, for results that are not packed; windows of
  /// channels leave another order.
  let isInOrder: Bool
  let panels: [Panel]
  /// Of all weights.
  let byteCount: Int
  /// Of all panels' constants.
  let constantCount: Int

  /// Channels, filled up to whole fours: the bytes of a pixel.
  public static func step(_ channels: Int) -> Int { (channels + 3) / 4 * 4 }

  /// Whether there is a kernel: two spatial axes.
  public static func takes(_ g: ConvGeometry) -> Bool {
    g.input[0] == 1 && g.kernel[0] == 1 && g.output[0] == 1
  }

  public init(_ g: ConvGeometry, isa: InstructionSet = .current, isInOrder: Bool = false) {
    precondition(Self.takes(g), "no byte convolution")
    (geometry, self.isa) = (g, isa)
    step = Self.step(g.groups * g.channels)
    isDepthwise = g.channels == 1 && g.outputs == 1 && g.groups > 1
    self.isInOrder = isInOrder && !isDepthwise
    isMerged = g.groups == 1 && step <= 16 && g.kernel[2] > 1 && g.dilations[2] == 1
    let isDense = isMerged && (g.kernel[2] * g.channels + 3) / 4 < g.kernel[2] * step / 4
    tapStep = isDense ? g.channels : step
    isWide = isa == .avx2 || isa == .avx512
    isGrouped =
      isa == .avx512vnni && !self.isInOrder && g.groups > 1 && g.channels == g.outputs
      && [4, 8, 16].contains(g.outputs)
    var list: [Panel] = []
    var (end, constants) = (0, 0)
    let outputs = g.groups * g.outputs
    var first = 0
    let fullLanes = isa == .avx2 ? 8 : 16
    while first < outputs {
      let left = outputs - first
      var (lanes, vectors) = (fullLanes, 4)
      var (channel, fours) = (0, isMerged ? (g.kernel[2] * tapStep + 3) / 4 : step / 4)
      if isDepthwise {
        // Half a panel costs half.
        if lanes == 16 && left <= 32 && isa >= .avx512 { lanes = 8 }
        (channel, fours) = (first, g.kernel[2] * ((g.kernel[1] + 3) / 4))
      } else if isGrouped {
        (channel, fours) = (first, g.channels / 4)
      } else {
        vectors = Self.vectors(left, lanes: lanes, share: g.groups > 1 ? g.outputs : left)
      }
      let columns = min(left, vectors * lanes)
      let isHalf =
        !isDepthwise && !isGrouped && !isWide && (2...3).contains(vectors)
        && columns <= vectors * lanes - 8
      if !isDepthwise && !isGrouped && g.groups > 1 {
        channel = first / g.outputs * g.channels / 4 * 4
        let last = ((first + columns - 1) / g.outputs + 1) * g.channels
        fours = (last - channel + 3) / 4
      }
      list.append(
        Panel(
          first: first, columns: columns, vectors: vectors, lanes: lanes, isHalf: isHalf,
          channel: channel, fours: fours, offset: end, constants: constants))
      let taps = isDepthwise ? 1 : isMerged ? g.kernel[1] : g.taps
      end += taps * fours * (vectors * lanes - (isHalf ? 8 : 0)) * 4 * (isWide ? 2 : 1)
      constants += vectors * lanes
      first += columns
    }
    (panels, byteCount, constantCount) = (list, end, constants)
  }

  /// Bytes of a panel's weights.
  func byteCount(of i: Int) -> Int {
    (i + 1 < panels.count ? panels[i + 1].offset : byteCount) - panels[i].offset
  }

  /// Vectors of the next panel, for so many outputs left. Wide panels read an input for more
  /// products; five units are three and two, since one alone is slow.
  private static func vectors(_ left: Int, lanes: Int, share: Int) -> Int {
    let units = (left + lanes - 1) / lanes
    let most = lanes == 8 ? 2 : 4
    let widest = share < left ? max(1, min(most, share / lanes)) : most
    return units == 5 && widest == 4 ? 3 : min(units, widest)
  }

  /// What the packed weights depend on beside the weights.
  public var form: String {
    let g = geometry
    let order = isInOrder ? " in order" : isGrouped ? " grouped" : ""
    return "byte conv \(isa) \(g.groups) \(isMerged) \(g.kernel[1])x\(g.kernel[2])\(order)"
  }

  /// The lane, over all vectors of a panel, of a column.
  func lane(_ column: Int, _ panel: Panel) -> Int {
    if isInOrder { return column }
    // The last quarters of a panel that ends in half a vector have one vector less.
    let isLess = panel.isHalf && column >= 8 * panel.vectors
    let width = 4 * (isLess ? panel.vectors - 1 : panel.vectors)
    let from = isLess ? column - 8 * panel.vectors : column
    let quarter = from / width + (isLess ? 2 : 0)
    return from % width / 4 * panel.lanes + quarter * 4 + from % 4
  }
}
