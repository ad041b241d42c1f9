import Kernels
import Tensors
import Testing

/// Gradients of normalised rows, of attention and of cross entropy, against float64.
@Suite struct RowGradientTests {
  @Test(arguments: [[37, 50], [3, 5000], [100, 7], [768, 128], [1, 16]])
  func normalisedRows(s: [Int]) throws {
    let (rows, n) = (s[0], s[1])
    let x = try TrainingNumbers(rows * n, seed: 1)
    let gain = try TrainingNumbers(n, seed: 2)
    let dy = try TrainingNumbers(rows * n, seed: 3)
    for centers in [true, false] {
      let wide = NormGradient(
        .rows(centers: centers), count: rows, n: n, epsilon: 1e-5, threads: 1)
      let want = try doubles([rows * n, n, n]) { to in
        let scratch = try #require(GuardedMemory(bytes: wide.scratchBytes(.float64)))
        try withDoubles([x, gain, dy]) { from in
          withExtendedLifetime(scratch) {
            wide.run(
              .float64, x: from[0], gain: from[1], dy: from[2], dx: to[0], dGain: to[1],
              dShift: to[2], scratch: scratch.start, pool: .single)
          }
        }
      }
      var first: [[Float]]?
      for threads in [1, 2, 4] {
        let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
        let kernel = NormGradient(
          .rows(centers: centers), count: rows, n: n, epsilon: 1e-5, threads: threads)
        let scratch = try #require(GuardedMemory(bytes: kernel.scratchBytes(.float32)))
        let got = try [rows * n, n, n].map { try TrainingNumbers($0, seed: 9) }
        withExtendedLifetime((x, gain, dy, got, scratch)) {
          kernel.run(
            .float32, x: x.floats, gain: gain.floats, dy: dy.floats, dx: got[0].floats,
            dGain: got[1].floats, dShift: got[2].floats, scratch: scratch.start, pool: pool)
        }
        for i in 0..<3 {
          #expect(relativeError(got[i].values, want[i]) <= 5e-6, "\(s) result \(i)")
        }
        #expect(first == nil || first == got.map(\.values), "\(threads) threads")
        first = got.map(\.values)
      }
    }
  }

  @Test(arguments: [true, false]) func attention(isCausal: Bool) throws {
    let (images, heads, queries, size) = (2, 3, 37, 20)
    let n = images * heads * queries * size
    let operands = try (1...4).map { try TrainingNumbers(n, seed: UInt64($0)) }
    func kernel(
      _ element: GemmElement, _ places: AttentionGradientKernel.Places?, _ threads: Int
    ) -> AttentionGradientKernel {
      AttentionGradientKernel(
        heads: images * heads, queries: queries, keys: queries, size: size, valueSize: size,
        isCausal: isCausal, scale: 0.3, element: element, places: places, threads: threads)
    }
    let wide = kernel(.float64, nil, 1)
    let want = try doubles([n, n, n]) { to in
      let scratch = try #require(GuardedMemory(bytes: wide.scratchBytes))
      try withDoubles(operands) { from in
        var o = AttentionGradientKernel.Operands(q: from[0], k: from[1], v: from[2], dy: from[3])
        (o.dq, o.dk, o.dv) = (to[0], to[1], to[2])
        withExtendedLifetime(scratch) { wide.run(o, scratch: scratch.start, pool: .single) }
      }
    }
    // Heads side by side in each row, as a product leaves them.
    let width = heads * size
    let row = AttentionKernel.Layout(batch: queries * width, head: size, row: width)
    let places = AttentionGradientKernel.Places(
      heads: heads, query: row, key: row, value: row, output: row)
    func turned(_ x: [Float], back: Bool) -> [Float] {
      var y = x
      for i in 0..<images {
        for h in 0..<heads {
          for q in 0..<queries {
            for e in 0..<size {
              let packed = ((i * heads + h) * queries + q) * size + e
              let spread = (i * queries + q) * width + h * size + e
              if back { y[packed] = x[spread] } else { y[spread] = x[packed] }
            }
          }
        }
      }
      return y
    }
    for (form, threads) in [(nil, 1), (nil, 2), (places, 1), (places, 2)] {
      let kernel = kernel(.float32, form, threads)
      let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
      let scratch = try #require(GuardedMemory(bytes: kernel.scratchBytes))
      let inputs = try operands.map { x in
        let copy = try TrainingNumbers(n)
        let values = form == nil ? x.values : turned(x.values, back: false)
        for i in 0..<n { copy.floats[i] = values[i] }
        return copy
      }
      let got = try (0..<3).map { _ in try TrainingNumbers(n, seed: 9) }
      var o = AttentionGradientKernel.Operands(
        q: inputs[0].floats, k: inputs[1].floats, v: inputs[2].floats, dy: inputs[3].floats)
      (o.dq, o.dk, o.dv) = (got[0].memory.start, got[1].memory.start, got[2].memory.start)
      withExtendedLifetime((inputs, got, scratch)) {
        kernel.run(o, scratch: scratch.start, pool: pool)
      }
      for i in 0..<3 {
        let values = form == nil ? got[i].values : turned(got[i].values, back: true)
        #expect(relativeError(values, want[i]) <= 5e-6, "result \(i), \(threads) threads")
      }
    }
  }

  @Test(arguments: [[33, 65], [3, 10_000], [64, 10], [5, 1]])
  func crossEntropy(s: [Int]) throws {
    guard CrossEntropyRows.isAvailable else { return }
    let (rows, n) = (s[0], s[1])
    let x = try TrainingNumbers(rows * n, seed: 1)
    let rates = try TrainingNumbers(rows, seed: 2)
    if rows > 1 { rates.floats[1] = 0 }
    let (tops, logs) = (try TrainingNumbers(rows), try TrainingNumbers(rows))
    let y = try TrainingNumbers(rows * n, seed: 3)
    CrossEntropyRows.totals(
      x.floats, rows: rows, n: n, tops: tops.floats, logs: logs.floats, pool: .single)
    CrossEntropyRows.gradients(
      x.floats, rows: rows, n: n, rates: rates.floats, into: y.floats, pool: .single
    ) { $0 % n }
    var (wantLogs, want): ([Double], [Double]) = ([], [])
    for r in 0..<rows {
      let row = x.values[r * n..<(r + 1) * n].map { Double($0) }
      let top = row.max() ?? 0
      #expect(Double(tops.floats[r]) == top)
      var share = [Double](repeating: 0, count: n)
      SoftmaxKernel.run(
        .float64, log: true, row, outer: 1, n: n, inner: 1, into: &share, pool: .single)
      wantLogs.append(row[0] - top - share[0])
      SoftmaxKernel.run(
        .float64, log: false, row, outer: 1, n: n, inner: 1, into: &share, pool: .single)
      let rate = Double(rates.floats[r])
      for j in 0..<n { want.append((share[j] - (j == r % n ? 1 : 0)) * rate) }
    }
    #expect(relativeError(logs.values, wantLogs) <= 1e-6)
    #expect(relativeError(y.values, want) <= 1e-6)
  }

  /// Results of `body`, which writes so many doubles to each memory.
  private func doubles(
    _ counts: [Int], _ body: ([UnsafeMutableRawPointer]) throws -> Void
  ) throws -> [[Double]] {
    let memory = try counts.map { try #require(GuardedMemory(bytes: $0 * 8)) }
    try withExtendedLifetime(memory) { try body(memory.map(\.start)) }
    return zip(memory, counts).map { part, count in
      withExtendedLifetime(part) {
        Array(
          UnsafeBufferPointer(
            start: part.start.assumingMemoryBound(to: Double.self), count: count))
      }
    }
  }

  private func withDoubles(
    _ numbers: [TrainingNumbers], _ body: ([UnsafeRawPointer]) throws -> Void
  ) throws {
    let memory = try numbers.map { x in
      let wide = try #require(GuardedMemory(bytes: x.count * 8))
      let to = wide.start.assumingMemoryBound(to: Double.self)
      withExtendedLifetime(wide) { for i in 0..<x.count { to[i] = Double(x.floats[i]) } }
      return wide
    }
    try withExtendedLifetime(memory) { try body(memory.map { UnsafeRawPointer($0.start) }) }
  }
}
