import Graphs
import Kernels
import Tensors

/// An int32 mask of com.microsoft's attention, as numbers added to the scores.
///
/// Its forms, by shape: `[N]` valid keys of each sequence; `[2 N]` the ends, then the starts of the
/// valid keys; `[3 N + 2]` valid keys, then running sums, which are not read; `[N, T]` 1 for valid
/// keys; `[N, S, T]` the same for each query; `[N, 1, M, M]` with `M >= T`, of which the rows of
/// the queries count. What is not valid gets the filter value, what a causal mask hides the least
/// finite number instead.
struct PaddingMask: Sendable {
  private enum Form: Sendable { case open, ends, bounds, keys, rows, square(Int) }
  private let form: Form
  private let batch: Int
  private let queries: Int
  private let past: Int
  private let total: Int
  private let filter: Float
  private let isCausal: Bool

  /// Without a shape only the causal mask counts.
  ///
  /// Errors: `.shape` for a shape that is none of the forms.
  init(
    _ shape: Shape?, batch: Int, queries: Int, past: Int, total: Int, filter: Float, isCausal: Bool
  ) throws(EngineError) {
    self.batch = batch
    self.queries = queries
    self.past = past
    self.total = total
    self.filter = filter
    self.isCausal = isCausal && queries > 1
    guard let shape else {
      form = .open
      return
    }
    let dims = shape.array
    switch dims.count {
    case 1 where dims[0] == batch || dims[0] == 3 * batch + 2: form = .ends
    case 1 where dims[0] == 2 * batch: form = .bounds
    case 2 where dims == [batch, total]: form = .keys
    case 3 where dims == [batch, queries, total]: form = .rows
    case 4 where dims[0] == batch && dims[1] == 1 && dims[2] == dims[3] && dims[3] >= total:
      form = .square(dims[3])
    default:
      throw EngineError(
        .shape, "the mask has no shape that attention takes",
        expected: "[\(batch)], [\(2 * batch)], [\(3 * batch + 2)], [\(batch), \(total)], "
          + "[\(batch), \(queries), \(total)] or [\(batch), 1, M, M]",
        received: "\(shape)")
    }
  }

  /// Rows of a sequence: one for all queries where they share it.
  private var rowCount: Int {
    switch form {
    case .rows, .square: queries
    default: isCausal ? queries : 1
    }
  }
  /// Elements that `write` makes.
  var count: Int { batch * rowCount * total }
  /// How they lie.
  var mask: AttentionKernel.Mask {
    AttentionKernel.Mask(
      isBool: false, batch: rowCount * total, head: 0, row: rowCount == 1 ? 0 : total,
      columns: total)
  }

  /// `mask` is nil where there was no shape.
  func write(_ mask: UnsafePointer<Int32>?, into y: UnsafeMutablePointer<Float>) {
    for b in 0..<batch {
      for s in 0..<rowCount {
        let row = y + (b * rowCount + s) * total
        guard let m = mask else {
          row.update(repeating: 0, count: total)
          hide(row, from: past + s + 1)
          continue
        }
        switch form {
        case .open: row.update(repeating: 0, count: total)
        case .ends, .bounds:
          let end = max(0, min(total, Int(m[b])))
          for j in 0..<end { row[j] = 0 }
          for j in end..<total { row[j] = filter }
          if case .bounds = form {
            for j in 0..<max(0, min(total, Int(m[b + batch]))) { row[j] = filter }
          }
        case .keys: for j in 0..<total { row[j] = m[b * total + j] > 0 ? 0 : filter }
        case .rows:
          let from = m + (b * queries + s) * total
          for j in 0..<total { row[j] = from[j] > 0 ? 0 : filter }
        case .square(let side):
          let from = m + (b * side + past + s) * side
          for j in 0..<total { row[j] = from[j] > 0 ? 0 : filter }
        }
        hide(row, from: past + s + 1)
      }
    }
  }

  /// The causal mask of one row.
  private func hide(_ row: UnsafeMutablePointer<Float>, from first: Int) {
    guard isCausal else { return }
    for j in min(total, first)..<total { row[j] = -Float.greatestFiniteMagnitude }
  }
}
