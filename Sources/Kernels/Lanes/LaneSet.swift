import CKernels

/// The instruction set that kernels of sixteen float lanes run on.
public enum LaneSet: Int32, Sendable, CaseIterable {
  case scalar = 0
  case avx2 = 1
  case avx512 = 2

  /// The best this machine has.
  public static let best = LaneSet(rawValue: dl_lanes_isa()) ?? .scalar
  /// Those that this machine can run.
  public static let available = allCases.filter { $0.rawValue <= best.rawValue }
}
