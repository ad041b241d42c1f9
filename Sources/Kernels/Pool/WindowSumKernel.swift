import Tensors

/// Sums under a sliding window, and the transpose: each sum handed back to the elements under its
/// window. Both go axis by axis, since the sum over a box is a sum of sums.
///
/// Float32 or float64, over the last axes of `[planes, sizes...]`. Planes are spread over threads.
public struct WindowSumKernel: Sendable {
  private struct Pass: Sendable {
    let outer: Int
    let input: Int
    let output: Int
    let inner: Int
    let kernel: Int
    let stride: Int
    let dilation: Int
    let pad: Int
  }
  private let passes: [Pass]
  private let planes: Int
  private let planeIn: Int
  private let planeOut: Int
  /// Elements of the largest intermediate result of a plane.
  private let between: Int
  private let spreads: Bool
  private let workers: Int

  /// - `spreads`: the transpose, from windows to elements.
  public init(planes: Int, axes: [PoolKernel.Axis], spreads: Bool, threads: Int) {
    self.planes = planes
    self.spreads = spreads
    planeIn = axes.map { spreads ? $0.output : $0.input }.reduce(1, *)
    planeOut = axes.map { spreads ? $0.input : $0.output }.reduce(1, *)
    var sizes = axes.map { spreads ? $0.output : $0.input }
    var passes: [Pass] = []
    var most = 0
    for (i, a) in axes.enumerated() {
      passes.append(
        Pass(
          outer: sizes[..<i].reduce(1, *), input: a.input, output: a.output,
          inner: sizes[(i + 1)...].reduce(1, *), kernel: a.kernel, stride: a.stride,
          dilation: a.dilation, pad: a.padBegin))
      sizes[i] = spreads ? a.input : a.output
      if i + 1 < axes.count { most = max(most, sizes.reduce(1, *)) }
    }
    self.passes = passes
    between = most
    workers = max(1, min(planes, threads > 1 ? threads * 4 : 1))
  }

  public func scratchBytes(_ dtype: DType) -> Int { workers * 2 * between * dtype.byteSize }

  public func run(
    _ dtype: DType, _ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if dtype == .float64 {
      run(Double.self, x, y, scratch, pool)
    } else {
      run(Float.self, x, y, scratch, pool)
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    let spare = scratch.assumingMemoryBound(to: T.self)
    pool.run(workers) { worker in
      let own = spare + worker * 2 * between
      for plane in (worker * planes / workers)..<((worker + 1) * planes / workers) {
        var from = x + plane * planeIn
        for (i, pass) in passes.enumerated() {
          let to = i + 1 == passes.count ? y + plane * planeOut : own + i % 2 * between
          apply(pass, from, to)
          from = UnsafePointer(to)
        }
      }
    }
  }

  private func apply<T: RowReal>(
    _ p: Pass, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>
  ) {
    let (sizeIn, sizeOut) = spreads ? (p.output, p.input) : (p.input, p.output)
    for i in 0..<(p.outer * sizeOut * p.inner) { y[i] = 0 }
    for outer in 0..<p.outer {
      let from = x + outer * sizeIn * p.inner
      let to = y + outer * sizeOut * p.inner
      for o in 0..<p.output {
        for k in 0..<p.kernel {
          let at = o * p.stride - p.pad + k * p.dilation
          guard at >= 0, at < p.input else { continue }
          let (a, b) = spreads ? (o, at) : (at, o)
          if p.inner == 1 {
            to[b] += from[a]
          } else {
            T.axpy(from + a * p.inner, p.inner, 1, into: to + b * p.inner)
          }
        }
      }
    }
  }
}
