import Tensors

/// One 3x3 convolution of stride 1 in blocks, computed in one certain way over memory of its own:
/// for tools that hold the choice between ways against measurements.
public final class ConvolutionTrial {
  /// The direct sum, or tiles of so many outputs squared.
  public enum Way: Sendable, Equatable, CaseIterable {
    case direct, tiles2, tiles4

    /// The form of Winograd's algorithm; nil for the direct sum.
    var form: WinogradForm? {
      switch self {
      case .direct: nil
      case .tiles2: .two
      case .tiles4: .four
      }
    }
  }
  public let way: Way
  private let body: (ThreadPool) -> Void

  /// The way that kernels take.
  public static func choice(channels: Int, outputs: Int, height: Int, width: Int, lanes: Int)
    -> Way
  {
    let g = geometry(channels, outputs, height, width)
    let form = BlockedWinogradPlan.form(g, lanes: lanes, finish: .none, exact: false)
    return Way.allCases.first { $0.form == form } ?? .direct
  }

  private static func geometry(
    _ channels: Int, _ outputs: Int, _ height: Int, _ width: Int
  ) -> ConvGeometry {
    ConvGeometry(
      batch: 1, groups: 1, channels: channels, outputs: outputs, input: [height, width],
      output: [height, width], kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1, 1])
  }

  /// Errors: `.budget` when there is no memory.
  public init(
    _ way: Way, channels: Int, outputs: Int, height: Int, width: Int, lanes: Int, threads: Int
  ) throws(EngineError) {
    self.way = way
    let g = Self.geometry(channels, outputs, height, width)
    func floats(_ count: Int) throws(EngineError) -> (AlignedMemory, UnsafeMutablePointer<Float>) {
      let memory = try AlignedMemory(byteCount: count * 4)
      let pointer = memory.bytes.bindMemory(to: Float.self, capacity: count)
      for i in 0..<count { pointer[i] = Float(i % 13) / 8 - 0.75 }
      return (memory, pointer)
    }
    func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }
    let (keptW, w) = try floats(outputs * channels * 9)
    let (keptX, x) = try floats(padded(channels) * height * width)
    let (keptY, y) = try floats(padded(outputs) * height * width)
    if let form = way.form {
      let plan = try BlockedWinogradPlan(
        g, form: form, lanes: lanes, finish: .none, weights: w, bias: nil, threads: threads)
      let scratch = try AlignedMemory(byteCount: plan.scratchBytes)
      body = { pool in
        withExtendedLifetime((keptX, keptY)) {
          plan.run(x: x, residual: nil, y: y, scratch: scratch.bytes, pool: pool)
        }
      }
    } else {
      let plan = try BlockedConvPlan(
        g, lanes: lanes, isPlain: false, finish: .none, weights: w, bias: nil, threads: threads)
      let scratch = try AlignedMemory(byteCount: plan.scratchBytes)
      body = { pool in
        withExtendedLifetime((keptX, keptY)) {
          plan.run(x: x, residual: nil, y: y, scratch: scratch.bytes, pool: pool)
        }
      }
    }
    withExtendedLifetime(keptW) {}
  }

  public func run(pool: ThreadPool) { body(pool) }
}
