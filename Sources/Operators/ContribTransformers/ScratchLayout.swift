import Tensors

/// Places in the scratch of a kernel, one after the other.
struct ScratchLayout {
  private(set) var bytes = 0

  /// The offset of room for float32 or int64 elements (`width` 4 or 8), 64-byte aligned.
  ///
  /// Errors: `.budget` for more than can be addressed.
  mutating func take(_ count: Int, width: Int = 4) throws(EngineError) -> Int {
    let place = bytes
    let (size, over) = count.multipliedReportingOverflow(by: width)
    let (end, beyond) = place.addingReportingOverflow(size)
    guard !over, !beyond, end <= Int.max - 64 else {
      throw EngineError(
        .budget, "scratch beyond what can be addressed", received: "\(count) elements")
    }
    bytes = (end + 63) / 64 * 64
    return place
  }
}
