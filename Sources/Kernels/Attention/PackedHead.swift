import CKernels

/// The keys and values of one head, packed for the tiles of matrix products; float32.
///
/// Scores of a block of queries are `scale Q K^T`, results `P V`: both as register tiles over
/// memory of one worker, summed in the order of the keys. The scale is put into a copy of the
/// queries; probabilities are read where they lie.
struct PackedHead: Sendable {
  let kernel: GemmKernel
  let isa: InstructionSet
  /// Keys at most.
  let keys: Int
  let keySize: Int
  let valueSize: Int
  /// Queries of a block: some 32, all of one size, and so few that their scores stay in the
  /// second-level cache.
  let rows: Int

  init(queries: Int, keys: Int, keySize: Int, valueSize: Int, isa: InstructionSet = .current) {
    kernel = GemmKernel.best(.float32, isa)
    self.isa = isa
    self.keys = keys
    self.keySize = keySize
    self.valueSize = valueSize
    let most = max(8, min(32, CacheSizes.level2 / 8 / max(keys, 1)))
    let blocks = max(1, (queries + most - 1) / most)
    rows = max(1, (queries + blocks - 1) / blocks)
  }

  // In floats, each a multiple of 16: the memory starts on a line of the cache.
  private var keyCount: Int { kernel.panels(keys) * kernel.nr * keySize }
  private var valueCount: Int { kernel.panels(valueSize) * kernel.nr * keys }
  private var queryCount: Int { (rows * keySize + 15) & ~15 }
  /// Floats of memory of one worker.
  var count: Int {
    (keyCount + 15) & ~15 + (valueCount + 15) & ~15 + queryCount + (rows + 15) & ~15
  }

  private func values(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    memory + (keyCount + 15) & ~15
  }
  private func queries(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    values(memory) + (valueCount + 15) & ~15
  }
  /// One element a query of a block.
  func inverses(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    queries(memory) + queryCount
  }
  /// Columns that lie in one row of the panel from column `c0` of the values on.
  private func width(_ c0: Int) -> Int { min(kernel.nr, (valueSize - c0 + 15) & ~15) }

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
      let c0 = p * nr
      AttentionRows.scale(
        isa, rows: used, columns: min(nr, valueSize - c0), v + c0, valueRow, by: nil, 1,
        into: to + c0 * keys, width(c0))
    }
  }

  /// `s[i, j] = scale * sum_k q[i, k] key[j, k]` for `m` queries and the first `used` keys.
  func scores(
    _ m: Int, _ used: Int, scale: Float, _ q: UnsafePointer<Float>, _ row: Int,
    into s: UnsafeMutablePointer<Float>, _ distance: Int, _ memory: UnsafeMutablePointer<Float>
  ) {
    var e = dl_gemm_epilogue(GemmPlan.Epilogue())
    let left = queries(memory)
    AttentionRows.scale(isa, rows: m, columns: keySize, q, row, by: nil, scale, into: left, keySize)
    for p in 0..<kernel.panels(used) {
      let c0 = p * kernel.nr
      let width = min(kernel.nr, used - c0)
      let most = kernel.rows(width: width, rowBytes: keySize * 4)
      let strips = (m + most - 1) / most
      for i in 0..<strips {
        let (r0, r1) = (i * m / strips, (i + 1) * m / strips)
        kernel.tile(
          r1 - r0, width, keySize, left + r0 * keySize, keySize, 1, memory + c0 * keySize,
          kernel.nr, s + r0 * distance + c0, distance, &e)
      }
    }
  }

  /// `y[i, j] = sum_k p[i, k] value[k, j]` over the first `used` keys.
  func results(
    _ m: Int, _ used: Int, _ p: UnsafePointer<Float>, _ distance: Int,
    into y: UnsafeMutablePointer<Float>, _ row: Int, _ memory: UnsafeMutablePointer<Float>
  ) {
    var e = dl_gemm_epilogue(GemmPlan.Epilogue())
    let right = values(memory)
    for panel in 0..<kernel.panels(valueSize) {
      let c0 = panel * kernel.nr
      let width = min(kernel.nr, valueSize - c0)
      let most = kernel.rows(width: width, rowBytes: distance * 4)
      let strips = (m + most - 1) / most
      for i in 0..<strips {
        let (r0, r1) = (i * m / strips, (i + 1) * m / strips)
        kernel.tile(
          r1 - r0, width, used, p + r0 * distance, distance, 1, right + c0 * keys,
          self.width(c0), y + r0 * row + c0, row, &e)
      }
    }
  }
}
