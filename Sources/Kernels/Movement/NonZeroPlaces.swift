import CKernels

/// Where an array has elements whose bits are not all zero.
public enum NonZeroPlaces {
  /// - `width`: bytes of an element: 1, 2, 4, 8 or 16.
  /// - `ignored`: bits of a part that do not count, such as the sign of a floating zero; an element
  ///   of 16 bytes has two parts of 8, and others have one unless `parts` is 2.
  public static func count(
    _ x: UnsafeRawPointer, count: Int, width: Int, parts: Int, ignored: UInt64,
    lanes: LaneSet = .best
  ) -> Int {
    if parts == 2 {
      return (0..<count).count { isFilled(x, $0, width / parts, ignored) }
    }
    let find = lanes == .avx512 ? dl_count_filled__avx512 : dl_count_filled__scalar
    return Int(find(x, Int64(count), Int64(width), ~ignored))
  }

  /// Whether one of two parts has bits that count.
  private static func isFilled(
    _ x: UnsafeRawPointer, _ i: Int, _ width: Int, _ ignored: UInt64
  ) -> Bool {
    if width == 8 {
      let x = x.assumingMemoryBound(to: UInt64.self)
      return (x[2 * i] | x[2 * i + 1]) & ~ignored != 0
    }
    let x = x.assumingMemoryBound(to: UInt32.self)
    return (x[2 * i] | x[2 * i + 1]) & ~UInt32(truncatingIfNeeded: ignored) != 0
  }

  /// Writes the coordinates of all such elements in row-major order, one axis after the other:
  /// `[sizes.count, found]`, `found` being what `count` gave.
  public static func write(
    _ x: UnsafeRawPointer, sizes: [Int], width: Int, parts: Int, ignored: UInt64, found: Int,
    to y: UnsafeMutablePointer<Int64>, lanes: LaneSet = .best
  ) {
    guard found > 0, let last = sizes.last else { return }
    let outer = sizes.dropLast()
    let find = lanes == .avx512 ? dl_filled_places__avx512 : dl_filled_places__scalar
    let innermost = y + outer.count * found
    var place = [Int64](repeating: 0, count: outer.count)
    var column = 0
    for start in stride(from: 0, to: outer.reduce(1, *) * last, by: max(last, 1)) {
      var own = 0
      if parts == 1 {
        own = Int(
          find(
            x + start * width, Int64(last), Int64(width), ~ignored, innermost + column,
            Int64(found - column)))
      } else {
        for j in 0..<last where column + own < found {
          guard isFilled(x, start + j, width / parts, ignored) else { continue }
          innermost[column + own] = Int64(j)
          own += 1
        }
      }
      for (axis, i) in place.enumerated() {
        (y + axis * found + column).update(repeating: i, count: own)
      }
      column += own
      for axis in place.indices.reversed() {
        place[axis] += 1
        if place[axis] < Int64(sizes[axis]) { break }
        place[axis] = 0
      }
    }
  }
}
