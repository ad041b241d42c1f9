/// How much of a graph may be changed before it runs.
public enum OptimizationLevel: String, Sendable, CaseIterable, Comparable {
  /// As the file has it.
  case none
  /// Rewrites into operators of the ONNX standard, which any runtime loads.
  case basic
  /// Everything: fused operators and blocked layouts as well.
  case all

  private var rank: Int {
    switch self {
    case .none: 0
    case .basic: 1
    case .all: 2
    }
  }
  public static func < (a: OptimizationLevel, b: OptimizationLevel) -> Bool { a.rank < b.rank }
}
