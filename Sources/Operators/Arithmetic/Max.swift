import Graphs

/// The largest of all inputs, element by element: see `Extremum`.
///
/// - Source: ONNX Max 1, 6, 8, 12, 13.
public struct Max: Extremum {
  public static let isLargest = true
  public static let schema = extremumSchema("Max", "max")

  public init() {}
}
