import CKernels

extension AttentionKernel {
  /// The results of a block of queries that puts out no scores and neither caps them nor has a
  /// sink; float32. Probabilities stay as exponentials: results are divided by their sum.
  func runPlain(
    _ o: Operands, _ b: Int, _ h: Int, _ first: Int, _ rows: Int, offset: Int, seen: Int,
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, _ s: UnsafeMutablePointer<Float>, _ packed: PackedHead?,
    _ memory: UnsafeMutablePointer<Float>?
  ) {
    let distance = rowLength
    var a = dl_attention_rows()
    a.scores = s
    a.rows = rows
    a.n = seen
    a.distance = distance
    a.high = seen
    if isCausal || rightWindow >= 0 {
      a.high = first + offset + 1 + (isCausal ? 0 : rightWindow)
      a.high_step = 1
    }
    if leftWindow >= 0 {
      a.low = first + offset - leftWindow
      a.low_step = 1
    }
    if let mask, let address = o.mask {
      let at = b * mask.batch + h * mask.head + first * mask.row
      if mask.isBool {
        a.bits = address.assumingMemoryBound(to: UInt8.self) + at
        a.bits_row = mask.row
      } else {
        a.mask = address.assumingMemoryBound(to: Float.self) + at
        a.mask_row = mask.row
      }
    }
    if let extra, let address = o.extra {
      a.extra =
        address.assumingMemoryBound(to: Float.self) + b * extra.batch + h * extra.head
        + first * extra.row
      a.extra_row = extra.row
    }
    if let packed, let memory {
      let inverse = packed.inverses(memory)
      packed.scores(rows, seen, scale: Float(scale), q, query.row, into: s, distance, memory)
      a.inverse = inverse
      AttentionRows.softmax(isa, &a)
      packed.results(rows, seen, s, distance, into: y, output.row, memory)
      AttentionRows.scale(
        isa, rows: rows, columns: sizes.valueSize, y, output.row, by: inverse, 1, into: y,
        output.row)
      return
    }
    // Few queries: keys and values are read once for each, where they lie.
    withUnsafeTemporaryAllocation(of: Float.self, capacity: max(rows, 1)) { inverse in
      a.inverse = inverse.baseAddress
      for r in 0..<rows {
        AttentionRows.dots(
          isa, keys: seen, size: sizes.keySize, q + r * query.row, k, key.row,
          scale: Float(scale), into: s + r * distance)
      }
      AttentionRows.softmax(isa, &a)
      for r in 0..<rows {
        AttentionRows.sum(
          isa, keys: seen, size: sizes.valueSize, s + r * distance, v, value.row,
          factor: inverse[r], into: y + r * output.row)
      }
    }
  }

  /// Parts of each group of queries so that all threads are done together. A part may have to pack
  /// its keys and values, which costs about as much as four more queries.
  func parts(groups: Int, blocks: Int, _ packed: PackedHead) -> Int {
    guard workers > 1, groups > 0, blocks > 0 else { return 1 }
    let packing = 4.0 / Double(packed.rows)
    var best = (parts: 1, end: Double.infinity)
    for parts in 1...min(blocks, 2 * threads) {
      let each = Double(blocks) / Double(parts) + packing
      let end = Double((groups * parts + threads - 1) / threads) * each
      if end < best.end * 0.98 { best = (parts, end) }
    }
    return best.parts
  }
}
