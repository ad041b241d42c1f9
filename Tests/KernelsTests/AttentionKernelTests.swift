import Kernels
import Tensors
import Testing

/// Blocks over packed keys against the plain loops of float64.
@Suite struct AttentionKernelTests {
  private struct Setup {
    var batch = 1
    var heads = 1
    var groups = 1
    var queries = 1
    var keys = 1
    var size = 8
    var valueSize = 8
    var isCausal = false
    var hasMask = false
    /// Rows of the mask that hide every key.
    var closedRows = 0
    var leftWindow = -1
    var rightWindow = -1
    var threads = 1
    var isa = InstructionSet.current
  }

  private func values<T: BinaryFloatingPoint>(_ n: Int, _ seed: Int) -> [T] {
    (0..<n).map { T(($0 * 7919 + seed * 31) % 1009) / 504.5 - 1 }
  }

  private func run<T: BinaryFloatingPoint>(_ s: Setup, _: T.Type, _ dtype: DType) -> [T] {
    let keyHeads = s.heads / s.groups
    var sizes = AttentionKernel.Sizes()
    (sizes.batch, sizes.queryHeads, sizes.keyHeads) = (s.batch, s.heads, keyHeads)
    (sizes.queries, sizes.keys, sizes.keySize, sizes.valueSize) = (
      s.queries, s.keys, s.size, s.valueSize
    )
    // Rows longer than the heads: as where all three lie in one tensor.
    func layout(_ heads: Int, _ size: Int, _ rows: Int) -> AttentionKernel.Layout {
      .init(batch: rows * (heads * size + 3), head: size, row: heads * size + 3)
    }
    let (q, k, v, y) = (
      layout(s.heads, s.size, s.queries), layout(keyHeads, s.size, s.keys),
      layout(keyHeads, s.valueSize, s.keys), layout(s.heads, s.valueSize, s.queries)
    )
    let mask =
      s.hasMask
      ? AttentionKernel.Mask(
        isBool: false, batch: 0, head: s.queries * s.keys, row: s.keys, columns: s.keys) : nil
    var kernel = AttentionKernel(
      sizes: sizes, query: q, key: k, value: v, output: y, mask: mask, scale: 0.4, softcap: 0,
      isCausal: s.isCausal, leftWindow: s.leftWindow, rightWindow: s.rightWindow, scoreMode: 0,
      workers: s.threads > 1 ? 4 * s.threads : 1)
    kernel.isa = s.isa
    let query: [T] = values(s.batch * q.batch, 1)
    let key: [T] = values(s.batch * k.batch, 2)
    let value: [T] = values(s.batch * v.batch, 3)
    var bias: [T] = values(s.heads * s.queries * s.keys, 4).map { $0 > 0.5 ? -.infinity : $0 }
    for i in 0..<s.closedRows * s.keys { bias[i] = -.infinity }
    var output = [T](repeating: 7, count: s.batch * y.batch)
    var scratch = [T](repeating: .nan, count: kernel.scratchCount + 16)
    let pool = s.threads > 1 ? ThreadPool(threads: s.threads) : .single
    output.withUnsafeMutableBytes { out in
      scratch.withUnsafeMutableBytes { scratch in
        query.withUnsafeBytes { q in
          key.withUnsafeBytes { k in
            value.withUnsafeBytes { v in
              bias.withUnsafeBytes { bias in
                guard let q = q.baseAddress, let k = k.baseAddress, let v = v.baseAddress,
                  let out = out.baseAddress, let scratch = scratch.baseAddress
                else { return }
                kernel.run(
                  dtype,
                  .init(
                    query: q, key: k, value: v, mask: s.hasMask ? bias.baseAddress : nil,
                    lengths: nil, output: out, scores: nil),
                  scratch: scratch, pool: pool)
              }
            }
          }
        }
      }
    }
    return output
  }

  private func check(_ s: Setup) {
    let want = run(s, Double.self, .float64)
    let got = run(s, Float.self, .float32)
    var worst = 0.0
    for (a, b) in zip(want, got) {
      let difference = abs(a - Double(b))
      worst = difference.isNaN ? .infinity : max(worst, difference)
    }
    #expect(worst < 2e-6, "\(s)")
    if s.threads > 1 {
      var one = s
      one.threads = 1
      #expect(run(one, Float.self, .float32) == got, "\(s)")
    }
  }

  @Test func sizesAroundBlocks() {
    for isa in InstructionSet.allCases where isa <= .detected {
      for queries in [1, 7, 8, 27, 28, 29, 61] {
        for keys in [1, 16, 33, 65] {
          check(
            Setup(
              batch: 2, heads: 2, queries: queries, keys: keys, size: 17, valueSize: 33, isa: isa))
        }
      }
    }
  }

  @Test func causalMasksGroupsAndThreads() {
    for isCausal in [false, true] {
      for hasMask in [false, true] {
        for threads in [1, 3] {
          check(
            Setup(
              batch: 2, heads: 6, groups: 3, queries: 70, keys: 70, size: 16, valueSize: 32,
              isCausal: isCausal, hasMask: hasMask, threads: threads))
        }
      }
    }
  }

  @Test func moreKeysThanOneStretch() {
    check(Setup(heads: 2, queries: 40, keys: 1100, size: 32, valueSize: 32, threads: 2))
    check(Setup(heads: 1, queries: 530, keys: 530, size: 8, valueSize: 8, isCausal: true))
  }

  @Test func windowsAndRowsWithoutKeys() {
    for isa in InstructionSet.allCases where isa <= .detected {
      for queries in [3, 40] {
        var s = Setup(heads: 2, queries: queries, keys: 45, size: 16, valueSize: 20, isa: isa)
        s.hasMask = true
        s.closedRows = 2
        check(s)
        (s.leftWindow, s.isCausal) = (4, true)
        check(s)
        (s.rightWindow, s.isCausal) = (6, false)
        check(s)
      }
    }
  }

  @Test func fewQueriesOfManyKeys() {
    for isa in InstructionSet.allCases where isa <= .detected {
      for size in [8, 64, 67, 128] {
        check(
          Setup(
            heads: 4, groups: 2, queries: 1, keys: 259, size: size, valueSize: size, threads: 2,
            isa: isa))
      }
    }
  }

  @Test func aNaNInAScoreIsInItsRowAlone() {
    let (queries, keys, size) = (12, 20, 8)
    var sizes = AttentionKernel.Sizes()
    (sizes.batch, sizes.queryHeads, sizes.keyHeads) = (1, 1, 1)
    (sizes.queries, sizes.keys, sizes.keySize, sizes.valueSize) = (queries, keys, size, size)
    let rows = AttentionKernel.Layout(batch: 0, head: 0, row: size)
    let kernel = AttentionKernel(
      sizes: sizes, query: rows, key: rows, value: rows, output: rows, mask: nil, scale: 1,
      softcap: 0, isCausal: false, leftWindow: -1, rightWindow: -1, scoreMode: 0, workers: 1)
    var q: [Float] = values(queries * size, 1)
    q[3 * size] = .nan
    let k: [Float] = values(keys * size, 2)
    var y = [Float](repeating: 0, count: queries * size)
    var scratch = [Float](repeating: 0, count: kernel.scratchCount + 16)
    kernel.run(
      .float32,
      .init(query: q, key: k, value: k, mask: nil, lengths: nil, output: &y, scores: nil),
      scratch: &scratch, pool: .single)
    for i in 0..<queries * size { #expect(y[i].isNaN == (i / size == 3)) }
  }
}
