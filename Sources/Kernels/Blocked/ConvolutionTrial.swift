import Tensors

/// One convolution in blocks, computed in one certain way over memory of its own: for tools that hold
/// the choice between ways against measurements.
public final class ConvolutionTrial {
  /// What is convolved: a square image with as many channels in as out, and the window.
  public struct Layer: Sendable {
    public let channels: Int
    public let pixels: Int
    public let kernel: [Int]
    public let stride: Int

    public init(channels: Int, pixels: Int, kernel: [Int], stride: Int) {
      (self.channels, self.pixels, self.kernel, self.stride) = (channels, pixels, kernel, stride)
    }

    var geometry: ConvGeometry {
      let input = pixels * stride
      return ConvGeometry(
        batch: 1, groups: 1, channels: channels, outputs: channels, input: [input, input],
        output: [pixels, pixels], kernel: kernel, strides: [stride, stride], dilations: [1, 1],
        pads: kernel.map { $0 / 2 })
    }

    /// The forms of Winograd's algorithm that there are.
    public var forms: [WinogradForm] { WinogradForm.forms(geometry, exact: false) }

    /// The form that kernels take; nil for the direct sum.
    public func choice(lanes: Int) -> WinogradForm? {
      BlockedWinogradPlan.form(geometry, lanes: lanes, finish: .none, exact: false)
    }
  }
  /// The same convolution with weights of its own each, which take turns.
  private let bodies: [(ThreadPool) -> Void]
  private var turn = 0

  /// By a form of Winograd's algorithm, or the direct sum where nil. Weights beyond the second-level
  /// cache come from as far away as in a network of many such layers.
  ///
  /// Errors: `.budget` when there is no memory.
  public init(_ layer: Layer, form: WinogradForm?, lanes: Int, threads: Int) throws(EngineError) {
    let g = layer.geometry
    let (channels, outputs) = (g.channels, g.outputs)
    func floats(_ count: Int) throws(EngineError) -> (AlignedMemory, UnsafeMutablePointer<Float>) {
      let memory = try AlignedMemory(byteCount: count * 4)
      let pointer = memory.bytes.bindMemory(to: Float.self, capacity: count)
      for i in 0..<count { pointer[i] = Float(i % 13) / 8 - 0.75 }
      return (memory, pointer)
    }
    func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }
    let (keptW, w) = try floats(g.weightCount)
    let (keptX, x) = try floats(padded(channels) * g.inputPixels)
    let (keptY, y) = try floats(padded(outputs) * g.outputPixels)
    let taps = form.map { $0.places * $0.parts } ?? g.taps
    let bytes = g.weightCount / g.taps * taps * 4
    let copies = bytes > CacheSizes.level2 / 2 ? max(1, min(8, (128 << 20) / bytes)) : 1
    var bodies: [(ThreadPool) -> Void] = []
    for _ in 0..<copies {
      if let form {
        let plan = try BlockedWinogradPlan(
          g, form: form, lanes: lanes, finish: .none, weights: w, bias: nil, threads: threads)
        let scratch = try AlignedMemory(byteCount: plan.scratchBytes)
        bodies.append { pool in
          withExtendedLifetime((keptX, keptY)) {
            plan.run(x: x, residual: nil, y: y, scratch: scratch.bytes, pool: pool)
          }
        }
      } else {
        let plan = try BlockedConvPlan(
          g, lanes: lanes, isPlain: false, finish: .none, weights: w, bias: nil, threads: threads)
        let scratch = try AlignedMemory(byteCount: plan.scratchBytes)
        bodies.append { pool in
          withExtendedLifetime((keptX, keptY)) {
            plan.run(x: x, residual: nil, y: y, scratch: scratch.bytes, pool: pool)
          }
        }
      }
    }
    self.bodies = bodies
    withExtendedLifetime(keptW) {}
  }

  public func run(pool: ThreadPool) {
    bodies[turn](pool)
    turn = (turn + 1) % bodies.count
  }
}
