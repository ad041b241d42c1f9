import Graphs
import Operators
import Tensors

// How BlockedWalk takes means and largest elements of all pixels.
extension BlockedWalk {
  /// Whether a reduction leaves images and channels, and nothing else.
  private func isOverPixels(_ i: Int, _ axes: ReduceAxes, _ x: ValueID) -> Bool {
    guard let rank = g.dims(x)?.count,
      let list = axes.list ?? g.input(i, 1).flatMap({ g.fact($0).knownInts })
    else { return false }
    return Set(list.map { $0 < 0 ? $0 + rank : $0 }) == Set(2..<rank)
  }

  /// The largest element of each channel, as a pooling whose window is the image; `axes` nil for all
  /// pixels with axes kept.
  func largest(_ i: Int, _ axes: ReduceAxes?, _ x: ValueID) throws(EngineError)
    -> BlockedWalk.Made?
  {
    guard let c = channels(x), c > 0, let image = images[x], !isVolume(x),
      let dims = g.dims(image), dims.count == 5, let h = dims[2].known, let w = dims[3].known,
      h > 0, w > 0, axes.map({ isOverPixels(i, $0, x) }) ?? true
    else { return nil }
    let pooled = try g.addOne(BlockedMaxPool(Window(kernel: [h, w])), [image], at: i)
    if isLine(x) {
      let plain = try g.addOne(FromBlocked(channels: c), [pooled], at: i)
      let gone = axes?.keepDims ?? true ? [2] : [2, 3]
      return .plain(try g.addOne(Squeeze(), [plain, g.addInts(gone)], at: i))
    }
    if axes?.keepDims ?? true { return .image(pooled) }
    let plain = try g.addOne(FromBlocked(channels: c), [pooled], at: i)
    return .plain(try g.addOne(Squeeze(), [plain, g.addInts([2, 3])], at: i))
  }

  func mean(_ i: Int, _ op: ReduceMean, _ x: ValueID, _ y: ValueID) throws(EngineError)
    -> BlockedWalk.Made?
  {
    guard let c = channels(x), c > 0, let image = images[x], isOverPixels(i, op.axes, x) else {
      return nil
    }
    if isVolume(x) {
      let mean = try volumeMean(i, image, x, c)
      if op.axes.keepDims { return .image(mean) }
      let plain = try g.addOne(FromBlocked(channels: c), [mean], at: i)
      return .plain(try g.addOne(Squeeze(), [plain, g.addInts([2, 3])], at: i))
    }
    if op.axes.keepDims { return try globalMean(i, x, y, c) }
    let mean = try g.addOne(BlockedGlobalAveragePool(channels: c), [image], at: i)
    return .plain(try g.addOne(Squeeze(), [mean, g.addInts([2, 3])], at: i))
  }

  func globalMean(_ i: Int, _ x: ValueID, _ y: ValueID, _ c: Int) throws(EngineError)
    -> BlockedWalk.Made?
  {
    guard let image = images[x] else { return nil }
    if isVolume(x) { return .image(try volumeMean(i, image, x, c)) }
    // A squeeze before convolutions stays in blocks.
    let users = g.users(y)
    let staysBlocked =
      !users.isEmpty && !g.isOutput(y)
      && users.allSatisfy {
        let op = g.node($0).op
        return op is Conv || op is FusedConv || op is ToBlocked
      }
    let mean = try g.addOne(
      BlockedGlobalAveragePool(channels: c, keepsBlocks: staysBlocked), [image], at: i)
    if staysBlocked { return .image(mean) }
    return .plain(
      isLine(x) ? try g.addOne(Squeeze(), [mean, g.addInts([2])], at: i) : mean)
  }
}
