import ArgumentParser
import Compiler
import Runtime
import Tensors

extension OptimizationLevel: ExpressibleByArgument {}

/// Options that every command that runs models takes.
struct SessionArguments: ParsableArguments {
  @Option(help: "Threads for a run; default: what affinity and cgroup quota allow.")
  var threads: Int?

  @Option(help: "How much the graph may be changed: none, basic or all.")
  var optimize: OptimizationLevel = .all

  @Flag(help: "Only kernels as accurate as plain summation.")
  var exact = false

  @Flag(help: "Only kernels whose packed weights are no larger than the weights.")
  var compact = false

  @Option(help: "Memory for weights and runs, as 512MiB or 2GiB.")
  var maxMemory: ByteSize?

  @Flag(help: "Stop at the first node that makes a NaN or an infinity.")
  var checkNan = false

  func validate() throws {
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be 1 to 1024, received \(threads)")
    }
  }

  var options: SessionOptions {
    SessionOptions(
      threads: threads, optimization: optimize, exact: exact, compact: compact,
      maxMemoryBytes: maxMemory?.bytes, checksNaN: checkNan)
  }
}

/// A number of bytes with an optional unit: B, KB, MB, GB, KiB, MiB, GiB.
struct ByteSize: ExpressibleByArgument {
  let bytes: Int

  init?(argument: String) {
    let digits = argument.prefix { $0.isNumber || $0 == "." }
    guard let value = Double(digits), value >= 0 else { return nil }
    let scale: Double
    switch argument.dropFirst(digits.count).lowercased() {
    case "", "b": scale = 1
    case "k", "kib": scale = 1024
    case "kb": scale = 1000
    case "m", "mib": scale = 1_048_576
    case "mb": scale = 1e6
    case "g", "gib": scale = 1_073_741_824
    case "gb": scale = 1e9
    default: return nil
    }
    guard value * scale < 9e18 else { return nil }
    bytes = Int(value * scale)
  }
}
