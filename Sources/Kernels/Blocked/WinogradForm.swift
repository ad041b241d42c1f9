import CKernels

/// How Winograd's algorithm takes a convolution: the tile along height and width, and the windows of
/// three taps that a wider one is the sum of.
public struct WinogradForm: Hashable, Sendable, CustomStringConvertible {
  public enum Axis: Int32, Sendable {
    case one, two, four, half

    /// Outputs of a tile.
    var outputs: Int { [1, 2, 4, 3][Int(rawValue)] }
    /// Inputs of a tile, and places where they meet weights.
    var points: Int { [1, 4, 6, 7][Int(rawValue)] }
    var stride: Int { self == .half ? 2 : 1 }
    var taps: Int { self == .one ? 1 : 3 }
  }
  let height: Axis
  let width: Axis
  let partsHigh: Int
  let partsWide: Int

  /// F(2x2, 3x3), F(4x4, 3x3), and 3x3 of stride 2.
  public static let two = WinogradForm(.two, .two)
  public static let four = WinogradForm(.four, .four)
  public static let half = WinogradForm(.half, .half)

  init(_ height: Axis, _ width: Axis, parts: (Int, Int) = (1, 1)) {
    (self.height, self.width) = (height, width)
    (partsHigh, partsWide) = parts
  }

  /// The forms that can take a convolution; `exact`: those as accurate as plain summation.
  public static func forms(_ g: ConvGeometry, exact: Bool) -> [WinogradForm] {
    guard g.groups == 1, g.kernel[0] == 1, g.output[0] == 1 else { return [] }
    let (kernel, strides, dilations) = (g.kernel[1...], g.strides[1...], g.dilations[1...])
    let (high, wide) = (g.kernel[1], g.kernel[2])
    if kernel == [3, 3], strides == [2, 2], dilations == [1, 1] { return [.half] }
    guard strides == [1, 1], max(high, wide) > 2, max(high, wide) <= 11 else { return [] }
    if exact { return kernel == [3, 3] ? [.two] : [] }
    let parts = ((high + 2) / 3, (wide + 2) / 3)
    if high == 1 { return [WinogradForm(.one, .four, parts: (1, parts.1))] }
    if wide == 1 { return [WinogradForm(.four, .one, parts: (parts.0, 1))] }
    let wider = WinogradForm(.four, .four, parts: parts)
    return kernel == [3, 3] ? [.two, wider] : [wider]
  }

  var places: Int { height.points * width.points }
  var parts: Int { partsHigh * partsWide }

  /// Tiles along height and width, dilated ones within each other.
  func tiles(_ g: ConvGeometry) -> (rows: Int, columns: Int) {
    func along(_ axis: Axis, _ i: Int) -> Int {
      let d = axis == .one ? 1 : g.dilations[i]
      return (g.output[i] + axis.outputs * d - 1) / (axis.outputs * d) * d
    }
    return (along(height, 1), along(width, 2))
  }

  /// Vector operations that transforms of a tile of one block take, there and back, the way through
  /// the second-level cache included.
  var steps: (input: Int, output: Int) {
    if height == .half { return (300, 130) }
    if height == .two { return (55, 55) }
    return height == width ? (150, 150) : (18, 17)
  }

  public var description: String {
    let name = "F(\(height.outputs)x\(width.outputs))"
    let wider = parts > 1 ? " \(partsHigh)x\(partsWide) parts" : ""
    return name + (height == .half ? " stride 2" : "") + wider
  }
}
