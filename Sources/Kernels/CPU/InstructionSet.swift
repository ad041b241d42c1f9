import CKernels
import Glibc

/// The instruction sets that kernels are written for, each holding those before it.
public enum InstructionSet: Int32, Sendable, Comparable, CaseIterable, CustomStringConvertible {
  /// Plain C: always there, and the oracle of the others.
  case scalar = 0
  /// AVX2, FMA and F16C.
  case avx2 = 1
  /// AVX-512 F, BW, DQ and VL.
  case avx512 = 2
  /// AVX-512 with VNNI.
  case avx512vnni = 3

  // Without it a name is found by reflection, each time a kernel is chosen.
  public var description: String {
    switch self {
    case .scalar: "scalar"
    case .avx2: "avx2"
    case .avx512: "avx512"
    case .avx512vnni: "avx512vnni"
    }
  }

  public static func < (a: InstructionSet, b: InstructionSet) -> Bool { a.rawValue < b.rawValue }

  /// The best set of this CPU.
  public static let detected = InstructionSet(rawValue: dl_cpu_isa()) ?? .scalar

  /// The set that kernels use: the detected one, or a lower one that the environment variable
  /// `DLRUN_ISA` (`scalar`, `avx2`, `avx512`, `avx512vnni`) asks for. Read once.
  public static let current: InstructionSet = {
    guard let text = getenv("DLRUN_ISA") else { return detected }
    let wanted = String(cString: text)
    for set in allCases where "\(set)" == wanted { return min(set, detected) }
    return detected
  }()
}
