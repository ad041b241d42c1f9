import CKernels
import Tensors

/// A window sliding over the last axes of `[planes, input...]`.
///
/// Everything but the last axis is flattened to rows. For each output row a list of the input
/// rows its window touches is made when prepared, so any number of axes costs the same code.
public struct PoolKernel: Sendable {
  public enum Kind: Hashable, Sendable {
    case max
    /// `countsPads`: pads count as zeros in the divisor; what lies behind them never does.
    case average(countsPads: Bool)
    /// `(sum |x|^p)^(1/p)`.
    case norm(p: Int)
  }

  /// Numbers of the window along one axis.
  public struct Axis: Sendable {
    public let kernel: Int
    public let stride: Int
    public let dilation: Int
    public let padBegin: Int
    public let padEnd: Int
    public let input: Int
    public let output: Int

    public init(
      kernel: Int, stride: Int, dilation: Int, padBegin: Int, padEnd: Int, input: Int, output: Int
    ) {
      self.kernel = kernel
      self.stride = stride
      self.dilation = dilation
      self.padBegin = padBegin
      self.padEnd = padEnd
      self.input = input
      self.output = output
    }

    /// The taps that fall between `least` and `most` (input coordinates) at output `o`.
    func taps(_ o: Int, from least: Int, to most: Int) -> Range<Int> {
      let first = o * stride - padBegin
      let lo = first >= least ? 0 : (least - first + dilation - 1) / dilation
      let hi = first > most ? 0 : Swift.min(kernel, (most - first) / dilation + 1)
      return lo < hi ? lo..<hi : lo..<lo
    }
    func valid(_ o: Int) -> Range<Int> { taps(o, from: 0, to: input - 1) }
    /// Taps within the input and its pads.
    func padded(_ o: Int) -> Int { taps(o, from: -padBegin, to: input + padEnd - 1).count }
    func place(_ o: Int, _ k: Int) -> Int { o * stride - padBegin + k * dilation }
  }

  let kind: Kind
  let planes: Int
  let rows: Int
  let last: Axis
  let inputSize: Int
  let inputDims: [Int]
  /// Row `r` touches input rows at offsets `offset[start[r]..<start[r + 1]]`.
  let start: Table
  let offset: Table
  /// Elements of the window of row `r` along the flattened axes, for averages.
  let rowCount: Table
  /// The same along the last axis.
  let columnCount: Table
  let firstTap: Int
  let endTap: Int

  /// - Errors: `.budget` when the window touches more rows than any real model's.
  public init(_ kind: Kind, planes: Int, axes: [Axis]) throws(EngineError) {
    self.kind = kind
    self.planes = planes
    guard let last = axes.last else {
      throw EngineError(.shape, "pooling needs at least one spatial axis")
    }
    self.last = last
    inputDims = axes.map(\.input)
    inputSize = axes.reduce(1) { $0 * $1.input }
    var offsets = [[0]]
    var counts = [1]
    var stride = inputSize
    let countsPads = kind == .average(countsPads: true)
    var total = 0
    for a in axes.dropLast() {
      stride = a.input == 0 ? 0 : stride / a.input
      var nextOffsets: [[Int]] = []
      var nextCounts: [Int] = []
      total = 0
      for (r, list) in offsets.enumerated() {
        for o in 0..<a.output {
          let taps = a.valid(o)
          total += list.count * taps.count
          guard total < 1 << 26 else {
            throw EngineError(.budget, "the pooling window touches too many rows")
          }
          nextOffsets.append(list.flatMap { base in taps.map { base + a.place(o, $0) * stride } })
          nextCounts.append(counts[r] * (countsPads ? a.padded(o) : taps.count))
        }
      }
      offsets = nextOffsets
      counts = nextCounts
    }
    rows = offsets.count
    var starts = [0]
    for list in offsets { starts.append(starts[starts.count - 1] + list.count) }
    start = Table(starts)
    offset = Table(offsets.flatMap { $0 })
    rowCount = Table(counts)
    columnCount = Table(
      (0..<last.output).map { countsPads ? last.padded($0) : last.valid($0).count })
    // Only these taps of the last axis can meet the input.
    let least = (last.padBegin - (last.output - 1) * last.stride) / last.dilation
    firstTap = Swift.max(0, least)
    endTap = Swift.max(
      firstTap, Swift.min(last.kernel, (last.input - 1 + last.padBegin) / last.dilation + 1))
  }

  /// `x` is `[planes, input...]` and `y` `[planes, output...]` of float32, float64, int8 or uint8
  /// (the last two only for `max`). `inOrder`: float32 is summed tap by tap, row by row.
  public func run(
    _ dtype: DType, _ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, pool: ThreadPool,
    lanes: LaneSet = .best, inOrder: Bool = false
  ) {
    switch (dtype, kind) {
    case (.float32, .max): runFloat(0, x, y, pool, lanes)
    case (.float32, .average): runFloat(1, x, y, pool, lanes, inOrder)
    case (.float32, .norm(1)): runFloat(2, x, y, pool, lanes)
    case (.float32, .norm(2)): runFloat(3, x, y, pool, lanes)
    case (.float32, .norm): runReal(x, y, pool, Float.self)
    case (.float64, .max): largest(x, y, nil, false, pool, Double.self)
    case (.float64, _): runReal(x, y, pool, Double.self)
    case (.int8, .max): largest(x, y, nil, false, pool, Int8.self)
    case (.uint8, .max): largest(x, y, nil, false, pool, UInt8.self)
    default: preconditionFailure("no pooling \(kind) of \(dtype)")
    }
  }

  /// The largest elements and their places in the whole tensor; within a plane row-major, or the
  /// first axis fastest where `isColumnMajor`. A window without elements has place -1.
  public func runWithIndices(
    _ dtype: DType, _ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer,
    indices: UnsafeMutablePointer<Int64>, isColumnMajor: Bool, pool: ThreadPool,
    lanes: LaneSet = .best
  ) {
    if dtype == .float32 && !isColumnMajor {
      let (x, y) = (x.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self))
      if runPlaces(x, y, indices, pool, lanes) { return }
    }
    switch dtype {
    case .float32: largest(x, y, indices, isColumnMajor, pool, Float.self)
    case .float64: largest(x, y, indices, isColumnMajor, pool, Double.self)
    case .int8: largest(x, y, indices, isColumnMajor, pool, Int8.self)
    case .uint8: largest(x, y, indices, isColumnMajor, pool, UInt8.self)
    default: preconditionFailure("no pooling of \(dtype)")
    }
  }

  // C functions as such: those that Swift takes for closures are wrapped anew, on the heap, whenever
  // they are read from a list.
  private typealias Tap =
    @convention(c) (Int32, UnsafePointer<Float>?, Int, Int, UnsafeMutablePointer<Float>?) -> Void
  private static let taps: [Tap] = [
    dl_pool_f32_tap__scalar, dl_pool_f32_tap__avx2, dl_pool_f32_tap__avx512,
  ]

  private func runFloat(
    _ op: Int32, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ pool: ThreadPool,
    _ lanes: LaneSet, _ inOrder: Bool = false
  ) {
    let x = x.assumingMemoryBound(to: Float.self)
    let y = y.assumingMemoryBound(to: Float.self)
    if op == 0 && isPaired {
      runPairs(x, y, pool, lanes)
      return
    }
    if !inOrder && runWhole(op, x, y, pool, lanes) { return }
    if !inOrder && runPlanes(op, x, y, pool, lanes) { return }
    if !inOrder && runWindow(op, x, y, pool, lanes) { return }
    let tap = PoolKernel.taps[Int(lanes.rawValue)]
    let width = last.output
    let each = Swift.max(1, 4096 / Swift.max(1, width * (endTap - firstTap)))
    let total = planes * rows
    pool.run((total + each - 1) / each) { piece in
      for i in piece * each..<Swift.min(total, (piece + 1) * each) {
        let r = i % rows
        let plane = x + i / rows * inputSize
        let out = y + i * width
        let initial: Float = op == 0 ? -.infinity : 0
        for o in 0..<width { out[o] = initial }
        for s in start[r]..<start[r + 1] {
          let row = plane + offset[s]
          for k in firstTap..<endTap {
            // The outputs whose tap k lies in the input.
            let shift = k * last.dilation - last.padBegin
            let lo = shift >= 0 ? 0 : (-shift + last.stride - 1) / last.stride
            let room = last.input - 1 - shift
            let hi = room < 0 ? 0 : Swift.min(width, room / last.stride + 1)
            if lo < hi { tap(op, row + shift + lo * last.stride, last.stride, hi - lo, out + lo) }
          }
        }
        switch kind {
        case .max: break
        case .average:
          let n = rowCount[r]
          for o in 0..<width { out[o] /= Float(n * columnCount[o]) }
        case .norm(let p): if p == 2 { for o in 0..<width { out[o] = out[o].squareRoot() } }
        }
      }
    }
  }

  private func runReal<T: Real>(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ pool: ThreadPool, _: T.Type
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    pool.run(planes * rows) { i in
      let r = i % rows
      let plane = x + i / rows * inputSize
      for o in 0..<last.output {
        var sum: T = 0
        let taps = last.valid(o)
        for s in start[r]..<start[r + 1] {
          for k in taps {
            let v = plane[offset[s] + last.place(o, k)]
            switch kind {
            case .norm(1): sum += v.magnitude
            case .norm(2): sum += v * v
            case .norm(let p): sum += T.power(v.magnitude, T(p))
            default: sum += v
            }
          }
        }
        switch kind {
        case .norm(1): break
        case .norm(2): sum = sum.squareRoot()
        case .norm(let p): sum = T.power(sum, 1 / T(p))
        default: sum /= T(rowCount[r] * columnCount[o])
        }
        y[i * last.output + o] = sum
      }
    }
  }

  private func largest<T: Numeral>(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ indices: UnsafeMutablePointer<Int64>?,
    _ isColumnMajor: Bool, _ pool: ThreadPool, _: T.Type
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    pool.run(planes * rows) { i in
      let r = i % rows
      let plane = i / rows
      let from = x + plane * inputSize
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
        y[i * last.output + o] = best
        if let indices {
          if isColumnMajor && place >= 0 { place = columnMajor(place) }
          indices[i * last.output + o] = Int64(place < 0 ? -1 : plane * inputSize + place)
        }
      }
    }
  }

  /// A row-major place within a plane, counted with the first axis fastest.
  private func columnMajor(_ place: Int) -> Int {
    var rest = place
    var step = inputSize
    var result = 0
    for i in stride(from: inputDims.count - 1, through: 0, by: -1) {
      step /= inputDims[i]
      result += rest % inputDims[i] * step
      rest /= inputDims[i]
    }
    return result
  }
}
