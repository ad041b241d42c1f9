import CKernels

/// The keys and values of one head, packed for the tiles of matrix products; float32.
///
/// Scores of a block of queries are `alpha Q K^T`, results `P V`: both as register tiles over
/// memory of one worker, summed in the order of the keys, a stretch of `depth` keys at a time.
struct PackedHead: Sendable {
  /// Keys that one pass over a tile of results adds up: a strip of probabilities then stays in the
  /// first-level cache.
  static let depth = 512

  let kernel: GemmKernel
  let isa: InstructionSet
  /// Keys at most.
  let keys: Int
  let keySize: Int
  let valueSize: Int
  /// Queries of a block: few strips, so that their scores stay in the second-level cache.
  let rows: Int

  init(keys: Int, keySize: Int, valueSize: Int, isa: InstructionSet = .current) {
    kernel = GemmKernel.best(.float32, isa)
    self.isa = isa
    self.keys = keys
    self.keySize = keySize
    self.valueSize = valueSize
    rows = kernel.mr * max(1, (32 + kernel.mr / 2) / kernel.mr)
  }

  // In floats, each a multiple of 16: the memory starts on a line of the cache.
  private var keyCount: Int { kernel.panels(keys) * kernel.nr * keySize }
  private var valueCount: Int { kernel.panels(valueSize) * kernel.nr * keys }
  private var stripCount: Int { (kernel.mr * max(keySize, Self.depth) + 15) & ~15 }
  /// Floats of memory of one worker.
  var count: Int { (keyCount + 15) & ~15 + (valueCount + 15) & ~15 + stripCount }

  private func values(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    memory + (keyCount + 15) & ~15
  }
  private func strip(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    values(memory) + (valueCount + 15) & ~15
  }

  /// Packs the first `used` keys and values, whose rows are `keyRow` and `valueRow` apart.
  func pack(
    _ used: Int, _ k: UnsafePointer<Float>, _ keyRow: Int, _ v: UnsafePointer<Float>,
    _ valueRow: Int, into memory: UnsafeMutablePointer<Float>
  ) {
    let nr = kernel.nr
    for p in 0..<kernel.panels(used) {
      Kernels.pack(
        memory + p * nr * keySize, width: nr, from: k + p * nr * keyRow,
        count: min(nr, used - p * nr), across: keyRow, k: keySize, along: 1, byteSize: 4, isa: isa)
    }
    let to = values(memory)
    for p in 0..<kernel.panels(valueSize) {
      Kernels.pack(
        to + p * nr * keys, width: nr, from: v + p * nr, count: min(nr, valueSize - p * nr),
        across: 1, k: used, along: valueRow, byteSize: 4, isa: isa)
    }
  }

  /// `s[i, j] = scale * sum_k q[i, k] key[j, k]` for `m` queries and the first `used` keys.
  func scores(
    _ m: Int, _ used: Int, scale: Float, _ q: UnsafePointer<Float>, _ row: Int,
    into s: UnsafeMutablePointer<Float>, _ distance: Int, _ memory: UnsafeMutablePointer<Float>
  ) {
    var e = dl_gemm_epilogue(GemmPlan.Epilogue())
    e.alpha = Double(scale)
    let strips = kernel.strips(m)
    let left = strip(memory)
    for i in 0..<strips {
      let (r0, r1) = (i * m / strips, (i + 1) * m / strips)
      Kernels.pack(
        left, width: r1 - r0, from: q + r0 * row, count: r1 - r0, across: row, k: keySize,
        along: 1, byteSize: 4, isa: isa)
      for p in 0..<kernel.panels(used) {
        let c0 = p * kernel.nr
        kernel.tile(
          r1 - r0, min(kernel.nr, used - c0), keySize, left, memory + c0 * keySize, kernel.nr,
          s + r0 * distance + c0, distance, &e)
      }
    }
  }

  /// `y[i, j] = sum_k p[i, k] value[k, j]` over the first `used` keys.
  func results(
    _ m: Int, _ used: Int, _ p: UnsafePointer<Float>, _ distance: Int,
    into y: UnsafeMutablePointer<Float>, _ row: Int, _ memory: UnsafeMutablePointer<Float>
  ) {
    var e = dl_gemm_epilogue(GemmPlan.Epilogue())
    let strips = kernel.strips(m)
    let (right, left) = (values(memory), strip(memory))
    for i in 0..<strips {
      let (r0, r1) = (i * m / strips, (i + 1) * m / strips)
      var k0 = 0
      repeat {
        let kc = min(Self.depth, used - k0)
        e.accumulate = k0 > 0 ? 1 : 0
        Kernels.pack(
          left, width: r1 - r0, from: p + r0 * distance + k0, count: r1 - r0, across: distance,
          k: kc, along: 1, byteSize: 4, isa: isa)
        for panel in 0..<kernel.panels(valueSize) {
          let c0 = panel * kernel.nr
          kernel.tile(
            r1 - r0, min(kernel.nr, valueSize - c0), kc, left,
            right + c0 * keys + k0 * kernel.nr, kernel.nr, y + r0 * row + c0, row, &e)
        }
        k0 += kc
      } while k0 < used
    }
  }
}
