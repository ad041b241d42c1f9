import CKernels

/// The instruction sets that kernels are built for. Each includes those before it.
public enum KernelISA: Int32, Sendable, CaseIterable {
  /// Plain C: always there, and the oracle of the others.
  case scalar = 0
  /// AVX2, FMA and F16C.
  case avx2 = 1
  /// AVX-512 F, BW, DQ and VL.
  case avx512 = 2

  /// The widest one that this machine runs.
  public static let best = KernelISA(rawValue: dl_elementwise_isa()) ?? .scalar

  /// Those that this machine runs.
  public static var available: [KernelISA] { allCases.filter { $0.rawValue <= best.rawValue } }
}
