import Tensors

/// How full the cache of each sequence is, before and after a step, from the lengths that
/// GroupQueryAttention is given.
struct CacheLengths: Sendable {
  let batch: Int
  /// Tokens of the step, padding included.
  let length: Int
  /// The longest sequence after the step.
  let total: Int
  /// Rows of the cache that attention reads.
  let capacity: Int
  /// Of a cache that drops old rows: what must stay, and how many rows it has.
  let window: (size: Int, rows: Int)?

  /// Numbers of each sequence.
  struct Made {
    /// The row of the first new token.
    let starts: UnsafeMutablePointer<Int64>
    /// New tokens that are no padding.
    let counts: UnsafeMutablePointer<Int64>
    /// Valid rows with the new ones.
    let keys: UnsafeMutablePointer<Int64>
    /// The sequence's length before the step.
    let past: UnsafeMutablePointer<Int64>
  }

  /// Rows that a sliding cache holds of a sequence of `n` tokens.
  private func resident(_ n: Int) -> Int {
    guard let window, n > window.rows else { return n }
    let step = window.rows - window.size + 1
    return n - step * ((n - window.rows + step - 1) / step)
  }

  /// Fills `memory`, room for 4 numbers a sequence. `valid`: tokens that are no padding.
  ///
  /// Errors: `.value` for lengths that cannot be.
  func read(
    _ lengths: UnsafePointer<Int32>, valid: UnsafePointer<Int32>?,
    into memory: UnsafeMutablePointer<Int64>
  ) throws(EngineError) -> Made {
    let made = Made(
      starts: memory, counts: memory + batch, keys: memory + 2 * batch, past: memory + 3 * batch)
    for b in 0..<batch {
      let n = Int(lengths[b]) + 1
      guard n >= 1, n <= total else {
        throw EngineError(
          .value, "seqlens_k does not fit total_sequence_length",
          expected: "0 to \(total - 1)", received: "\(lengths[b])")
      }
      let count = valid.map { Int($0[b]) } ?? min(length, n)
      guard count >= 0, count <= min(length, n) else {
        throw EngineError(
          .value, "query_seqlens does not fit the step", expected: "0 to \(min(length, n))",
          received: "\(count)")
      }
      let start = resident(n - count)
      guard start + count <= capacity else {
        throw EngineError(
          .value, "the cache has no room for the new keys", expected: "at most \(capacity) rows",
          received: "\(start + count)")
      }
      made.starts[b] = Int64(start)
      made.counts[b] = Int64(count)
      made.keys[b] = Int64(start + count)
      made.past[b] = Int64(n - count)
    }
    return made
  }

  /// The position of each token: the given one; for a first prompt the first given one and those
  /// that follow; else its place in the sequence. Padding stays within the `rows` of the tables.
  func positions(
    _ made: Made, ids: UnsafePointer<Int64>?, rows: Int, into y: UnsafeMutablePointer<Int64>
  ) {
    let isFirst = total == length
    for b in 0..<batch {
      for s in 0..<length {
        let i = b * length + s
        if let ids {
          y[i] = isFirst ? ids[0] &+ Int64(s) : ids[i]
        } else {
          y[i] = made.past[b] + Int64(s)
        }
        if Int64(s) >= made.counts[b] { y[i] = max(0, min(y[i], Int64(rows) - 1)) }
      }
    }
  }

  /// The last rows of each staged cache, those that a sliding cache keeps; zeros behind them.
  func slide(
    _ staged: UnsafeMutableRawPointer, heads: Int, size: Int, _ made: Made,
    into y: UnsafeMutableRawPointer
  ) {
    guard let window else { return }
    let x = staged.assumingMemoryBound(to: Float.self)
    let to = y.assumingMemoryBound(to: Float.self)
    for i in 0..<batch * heads {
      let b = i / heads
      let kept = resident(Int(made.past[b] + made.counts[b]))
      let from = x + (i * capacity + Int(made.keys[b]) - kept) * size
      let row = to + i * window.rows * size
      row.update(from: from, count: kept * size)
      (row + kept * size).update(repeating: 0, count: (window.rows - kept) * size)
    }
  }
}
