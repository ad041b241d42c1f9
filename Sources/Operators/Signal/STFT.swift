import Graphs
import Kernels
import Tensors

/// The Fourier transforms of overlapping frames of a signal.
///
/// - `signal`: float16, bfloat16, float32 or float64 `[N, length, 1]` (real), `[N, length, 2]`
///   (complex) or `[N, length]`. `frame_step`: int32 or int64 scalar, from 1. `window`:
///   `[frame_length]`, multiplied onto each frame; default ones. `frame_length`: int32 or int64
///   scalar; default the window's size, else the signal's length.
/// - `onesided`: 1 (default) gives the first `frame_length / 2 + 1` values only.
/// - Output: `[N, frames, values, 2]` with `frames = (length - frame_length) / frame_step + 1`.
/// - Errors: `.shape` when the frame is longer than the signal or not of the window's size, a step
///   below 1, or a complex signal with `onesided`.
/// - Accuracy: as of DFT.
/// - Source: ONNX STFT 17.
public struct STFT: FormulaGradient {
  public let isOneSided: Bool

  public static let schema = Schema(
    "STFT", versions: [17],
    inputs: [
      Parameter("signal", .floats, "T1"), Parameter("frame_step", .indices, "T2", shape: true),
      .optional("window", .floats, "T1"), .optional("frame_length", .indices, "T2", shape: true),
    ],
    outputs: [Parameter("output", .floats, "T1")],
    attributes: [AttributeSpec("onesided", .int, "0: all values; default 1")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 12, 1], (1...12).map { Float($0 * $0 % 7) })
      let step = try Tensor(scalar: 3 as Int64)
      let length = try Tensor(scalar: 6 as Int64)
      let window = try Tensor([0.5, 1, 1, 0.5] as [Float])
      return [
        .init(STFT(), [x, step, nil, length]), .init(STFT(isOneSided: false), [x, step, window]),
      ]
    })

  public init(isOneSided: Bool = true) { self.isOneSided = isOneSided }
  public init(reading a: AttributeReader) throws(EngineError) {
    isOneSided = try a.bool("onesided", default: true)
  }
  public var attributes: [Attribute] { [.bool("onesided", isOneSided)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let step = try Signal.number(c, 1)
    try Signal.checkPositive(step?.known, "the frame's step")
    var frame = try Signal.number(c, 3)
    if let n = c.dims(2), n.count != 1 {
      throw EngineError(.shape, "the window must be a list", received: "\(n)")
    }
    if let n = c.dims(2)?.first?.known, let given = frame?.known, n != given {
      throw EngineError(
        .shape, "the window has not the frame's length", expected: "\(given)", received: "\(n)")
    }
    if !c.has(3) {
      frame = c.has(2) ? c.dims(2)?.first : c.dims(0).flatMap { $0.dropFirst().first }
    }
    try Signal.checkPositive(frame?.known, "the frame's length")
    guard let dims = c.dims(0) else { return [Fact(c.dtype(0), c.unknown(rank: 3) + [2])] }
    guard dims.count == 2 || (dims.count == 3 && (1...2).contains(dims[2].known ?? 1)) else {
      throw EngineError(
        .shape, "expected a signal", expected: "[N, length, 1 or 2]", received: "\(dims)")
    }
    if isOneSided && dims.count == 3 && dims[2].known == 2 {
      throw EngineError(
        .shape, "one side of a complex signal's transform does not determine it",
        expected: "[N, length, 1]", received: "\(dims)")
    }
    var frames = c.unknown()
    if let length = dims[1].known, let n = frame?.known {
      guard n <= length else {
        throw EngineError(
          .shape, "the frame is longer than the signal", expected: "at most \(length)",
          received: "\(n)")
      }
      if let step = step?.known { frames = Dim((length - n) / step + 1) }
    }
    let values: Dim =
      isOneSided ? frame?.known.map { Dim($0 / 2 + 1) } ?? c.unknown() : frame ?? c.unknown()
    return [Fact(c.dtype(0), [dims[0], frames, values, 2])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    switch try p.input(0).dtype {
    case .float32: return try transform(Float.self, p)
    case .float64: return try transform(Double.self, p)
    default: throw p.noKernel()
    }
  }

  private func transform<T: Real>(_: T.Type, _ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    guard let step = try Signal.number(p, 1) else { throw p.noKernel() }
    let hasWindow = p.has(2)
    let length = x.shape[1]
    let parts = x.shape.rank == 3 ? x.shape[2] : 1
    let whole = hasWindow ? try p.input(2).shape[0] : length
    let count = try Signal.number(p, 3) ?? whole
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let (frames, made) = (y.shape[1], y.shape[2])
    let plan = FourierPlan<T>(count)
    let lines = y.shape[0] * frames
    let workers = max(1, min(p.options.threads, lines))
    let each = count + plan.scratchCount
    return Prepared(
      scratchBytes: workers * each * 2 * x.dtype.byteSize, label: "fft \(count)"
    ) { m in
      m.pool.run(workers) { worker in
        let pairs = m.scratch.assumingMemoryBound(to: ComplexPair<T>.self) + worker * each
        let line = UnsafeMutableRawPointer(pairs).assumingMemoryBound(to: T.self)
        let window = m.input(2, T.self)
        for l in stride(from: worker, to: lines, by: workers) {
          let frame = m.input(0, T.self) + (l / frames * length + l % frames * step) * parts
          for k in 0..<count {
            let weight = hasWindow ? window[k] : 1
            line[2 * k] = weight * frame[k * parts]
            line[2 * k + 1] = parts == 2 ? weight * frame[k * parts + 1] : 0
          }
          plan.run(pairs, scratch: pairs + count)
          if parts == 1 { plan.makeHermitian(line, imaginary: 1) }
          (m.output(0, T.self) + l * 2 * made).update(from: line, count: 2 * made)
        }
      }
    }
  }
}

extension STFT {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let stepValue = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let window = inputs.count > 2 ? inputs[2] : nil
    guard let dims = b.fact(of: x).dims, let length = dims[1].known,
      let step = b.fact(of: stepValue).knownInts?.first
    else { throw EngineError(.notDifferentiable, "the sizes of the frames are not known") }
    var frame: Int? = length
    if let window { frame = b.fact(of: window).dims?.first?.known }
    if inputs.count > 3, let given = inputs[3] { frame = b.fact(of: given).knownInts?.first }
    guard let frame else {
      throw EngineError(.notDifferentiable, "the sizes of the frames are not known")
    }
    let signal = try dims.count == 2 ? b.apply(Unsqueeze(axes: [2]), x) : x
    let frames = max(0, length - frame) / step + 1
    var places: [Int64] = []
    for i in 0..<frames { for k in 0..<frame { places.append(Int64(i * step + k)) } }
    var cut = try b.apply(
      Gather(axis: 1), signal, b.constant(Tensor(shape: [frames, frame], places)))
    if let window { cut = try times(b, cut, reshape(b, window, [-1, 1])) }
    let axis = try b.constant(Tensor(scalar: Int64(2)))
    return Few(try b.apply(DFT(isOneSided: isOneSided), inputs: [cut, nil, axis]))
  }
}
