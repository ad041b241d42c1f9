import Graphs

/// The smallest of all inputs, element by element: see `Extremum`.
///
/// - Source: ONNX Min 1, 6, 8, 12, 13.
public struct Min: Extremum {
  public static let isLargest = false
  public static let schema = extremumSchema("Min", "min")

  public init() {}
}
