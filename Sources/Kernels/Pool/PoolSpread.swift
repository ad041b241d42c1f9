import CKernels
import Tensors

extension PoolKernel {
  /// The gradient of the largest element under each window: what comes from above added at the
  /// first of the largest elements, NaN before all; windows in pads alone have none.
  ///
  /// - `x`: `[planes, input...]`; `dy`: `[planes, output...]`; `dx`: of the size of x. Float32 or
  ///   float64. Planes are spread over threads.
  public func spreadLargest(
    _ dtype: DType, _ x: UnsafeRawPointer, _ dy: UnsafeRawPointer,
    into dx: UnsafeMutableRawPointer, pool: ThreadPool, lanes: LaneSet = .best
  ) {
    switch dtype {
    case .float32 where isPaired: spreadPairs(x, dy, dx, pool, lanes)
    case .float32: spread(x, dy, dx, pool, Float.self)
    case .float64: spread(x, dy, dx, pool, Double.self)
    default: preconditionFailure("no gradient of pooling of \(dtype)")
    }
  }

  /// Windows of 2 by 2 over two axes that lie side by side.
  var isPaired: Bool {
    inputDims.count == 2 && last.kernel == 2 && last.stride == 2 && last.dilation == 1
      && last.padBegin == 0 && last.padEnd == 0 && 2 * last.output <= last.input && rows > 0
      && (0..<rows).allSatisfy { r in
        start[r + 1] - start[r] == 2 && offset[2 * r] == 2 * r * last.input
          && offset[2 * r + 1] == (2 * r + 1) * last.input
      }
  }

  private typealias Pairs =
    @convention(c) (
      UnsafePointer<Float>?, UnsafePointer<Float>?, Int, UnsafeMutablePointer<Float>?
    ) -> Void
  private static let pairs: [Pairs] = [
    dl_pool_f32_pairs__scalar, dl_pool_f32_pairs__avx2, dl_pool_f32_pairs__avx512,
  ]

  /// The largest elements of such windows.
  func runPairs(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ pool: ThreadPool,
    _ lanes: LaneSet
  ) {
    let run = PoolKernel.pairs[Int(lanes.rawValue)]
    let each = Swift.max(1, 4096 / Swift.max(1, inputSize))
    pool.run((planes + each - 1) / each) { piece in
      for i in piece * each * rows..<Swift.min(planes, (piece + 1) * each) * rows {
        let from = x + i / rows * inputSize + 2 * (i % rows) * last.input
        run(from, from + last.input, last.output, y + i * last.output)
      }
    }
  }

  private typealias Spread =
    @convention(c) (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int,
      UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?
    ) -> Void
  private static let spreads: [Spread] = [
    dl_pool_f32_spread__scalar, dl_pool_f32_spread__avx2, dl_pool_f32_spread__avx512,
  ]

  private func spreadPairs(
    _ x: UnsafeRawPointer, _ dy: UnsafeRawPointer, _ dx: UnsafeMutableRawPointer,
    _ pool: ThreadPool, _ lanes: LaneSet
  ) {
    let x = x.assumingMemoryBound(to: Float.self)
    let dy = dy.assumingMemoryBound(to: Float.self)
    let dx = dx.assumingMemoryBound(to: Float.self)
    let run = PoolKernel.spreads[Int(lanes.rawValue)]
    let each = Swift.max(1, 4096 / Swift.max(1, inputSize))
    pool.run((planes + each - 1) / each) { piece in
      for plane in piece * each..<Swift.min(planes, (piece + 1) * each) {
        let (from, to) = (x + plane * inputSize, dx + plane * inputSize)
        for r in 0..<rows {
          let (first, second) = (2 * r * last.input, (2 * r + 1) * last.input)
          run(
            from + first, from + second, dy + (plane * rows + r) * last.output, last.output,
            to + first, to + second)
          for j in 2 * last.output..<last.input {
            to[first + j] = 0
            to[second + j] = 0
          }
        }
        for j in 2 * rows * last.input..<inputSize { to[j] = 0 }
      }
    }
  }

  private func spread<T: RowReal>(
    _ x: UnsafeRawPointer, _ dy: UnsafeRawPointer, _ dx: UnsafeMutableRawPointer,
    _ pool: ThreadPool, _: T.Type
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let dy = dy.assumingMemoryBound(to: T.self)
    let dx = dx.assumingMemoryBound(to: T.self)
    pool.run(planes) { plane in
      let (from, to) = (x + plane * inputSize, dx + plane * inputSize)
      for j in 0..<inputSize { to[j] = 0 }
      for r in 0..<rows {
        for o in 0..<last.output {
          var best = T.lowest
          var place = -1
          let taps = last.valid(o)
          for s in start[r]..<start[r + 1] {
            for k in taps {
              let at = offset[s] + last.place(o, k)
              let v = from[at]
              if place < 0 || v > best || (v.isNotANumber && !best.isNotANumber) {
                best = v
                place = at
              }
            }
          }
          if place >= 0 { to[place] += dy[(plane * rows + r) * last.output + o] }
        }
      }
    }
  }
}
