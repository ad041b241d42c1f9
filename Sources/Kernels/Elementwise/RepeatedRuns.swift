/// Short inner runs of two inputs, one of which has the same run many times over: a number for each
/// channel where channels come last, or a factor for each lane of an image in blocks. The run is laid
/// out side by side, so that kernels see long runs.
struct RepeatedRuns {
  /// The input whose run is repeated: 0 or 1.
  private let input: Int
  /// Elements of a run, and of all runs that are the same.
  private let inner: Int
  private let block: Int
  /// As much as the stack gives without asking the heap.
  private static let tileBytes = 1024

  fileprivate init?(_ plan: BroadcastPlan) {
    guard plan.rank > 0, plan.inner > 1, plan.inner <= 64,
      plan.stride(0) == 1, plan.stride(1) == 1
    else { return nil }
    let (times, last) = (plan.sizes[plan.rank - 1], plan.rank - 1)
    let steps = (plan.strides[0][last], plan.strides[1][last])
    guard times >= 4, steps == (0, plan.inner) || steps == (plan.inner, 0) else { return nil }
    input = steps.0 == 0 ? 0 : 1
    inner = plan.inner
    block = plan.inner * times
  }

  /// Calls `body` for stretches of a piece of the output: where it starts, what it reads of both inputs,
  /// element by element, and its length.
  func forEachTile(
    _ plan: BroadcastPlan, piece: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    elementBytes size: Int,
    _ body: (_ y: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ n: Int) -> Void
  ) {
    withUnsafeTemporaryAllocation(byteCount: Self.tileBytes, alignment: 16) { buffer in
      guard let tile = buffer.baseAddress else { return }
      var at = piece * BroadcastPlan.pieceElements
      let end = min(at + BroadcastPlan.pieceElements, plan.count)
      while at < end {
        let (number, within) = (at / block, at % block)
        let n = min(end - at, block - within)
        var (places, rest) = ((0, 0), number)
        for axis in stride(from: plan.rank - 2, through: 0, by: -1) {
          let place = rest % plan.sizes[axis]
          rest /= plan.sizes[axis]
          places.0 += place * plan.strides[0][axis]
          places.1 += place * plan.strides[1][axis]
        }
        let run = input == 0 ? a + places.0 * size : b + places.1 * size
        let long = (input == 0 ? b + places.1 * size : a + places.0 * size) + within * size
        let length = min(n, Self.tileBytes / size / inner * inner)
        var (filled, from) = (0, within % inner)
        while filled < length {
          let some = min(inner - from, length - filled)
          (tile + filled * size).copyMemory(from: run + from * size, byteCount: some * size)
          filled += some
          from = 0
        }
        var done = 0
        while done < n {
          let some = min(length, n - done)
          let other = UnsafeRawPointer(tile)
          if input == 0 {
            body(at + done, other, long + done * size, some)
          } else {
            body(at + done, long + done * size, other, some)
          }
          done += some
        }
        at += n
      }
    }
  }
}

extension BroadcastPlan {
  /// Nil where runs are long, or not the same many times over.
  var repeatedRuns: RepeatedRuns? { RepeatedRuns(self) }
}
