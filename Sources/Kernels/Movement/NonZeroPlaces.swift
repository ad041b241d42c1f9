/// Where an array has elements whose bits are not all zero.
public enum NonZeroPlaces {
  /// - `width`: bytes of an element: 1, 2, 4, 8 or 16.
  /// - `ignored`: bits of a part that do not count, such as the sign of a floating zero; an element
  ///   of 16 bytes has two parts of 8, and others have one unless `parts` is 2.
  public static func count(
    _ x: UnsafeRawPointer, count: Int, width: Int, parts: Int, ignored: UInt64
  ) -> Int {
    visit(width / parts, ignored, Count(x: x, count: count, parts: parts))
  }

  /// Writes the coordinates of all such elements in row-major order, one axis after the other:
  /// `[sizes.count, found]`, `found` being what `count` gave.
  public static func write(
    _ x: UnsafeRawPointer, sizes: [Int], width: Int, parts: Int, ignored: UInt64, found: Int,
    to y: UnsafeMutablePointer<Int64>
  ) {
    guard found > 0 else { return }
    _ = visit(
      width / parts, ignored, Write(x: x, sizes: sizes, parts: parts, found: found, y: y))
  }

  private protocol Visitor {
    /// The number found.
    func visit<T: FixedWidthInteger & BitwiseCopyable>(_ mask: T) -> Int
  }

  private static func visit(_ width: Int, _ ignored: UInt64, _ visitor: some Visitor) -> Int {
    switch width {
    case 1: visitor.visit(~UInt8(truncatingIfNeeded: ignored))
    case 2: visitor.visit(~UInt16(truncatingIfNeeded: ignored))
    case 4: visitor.visit(~UInt32(truncatingIfNeeded: ignored))
    default: visitor.visit(~ignored)
    }
  }

  private struct Count: Visitor {
    let x: UnsafeRawPointer
    let count: Int
    let parts: Int

    func visit<T: FixedWidthInteger & BitwiseCopyable>(_ mask: T) -> Int {
      let x = x.assumingMemoryBound(to: T.self)
      var sum = 0
      if parts == 1 {
        for i in 0..<count { sum &+= x[i] & mask == 0 ? 0 : 1 }
      } else {
        for i in 0..<count { sum &+= (x[2 * i] | x[2 * i + 1]) & mask == 0 ? 0 : 1 }
      }
      return sum
    }
  }

  private struct Write: Visitor {
    let x: UnsafeRawPointer
    let sizes: [Int]
    let parts: Int
    let found: Int
    let y: UnsafeMutablePointer<Int64>

    func visit<T: FixedWidthInteger & BitwiseCopyable>(_ mask: T) -> Int {
      let x = x.assumingMemoryBound(to: T.self)
      guard let last = sizes.last else { return found }
      let outer = sizes.dropLast()
      var place = [Int64](repeating: 0, count: outer.count)
      var column = 0
      // A row's places are gathered without branches, which no pattern of zeros then upsets.
      withUnsafeTemporaryAllocation(of: Int64.self, capacity: last + 1) { row in
        for start in stride(from: 0, to: outer.reduce(1, *) * last, by: max(last, 1)) {
          var own = 0
          if parts == 1 {
            for j in 0..<last {
              row[own] = Int64(truncatingIfNeeded: j)
              own &+= x[start &+ j] & mask == 0 ? 0 : 1
            }
          } else {
            for j in 0..<last {
              row[own] = Int64(truncatingIfNeeded: j)
              own &+= (x[2 * (start &+ j)] | x[2 * (start &+ j) + 1]) & mask == 0 ? 0 : 1
            }
          }
          own = min(own, found - column)
          for (axis, i) in place.enumerated() {
            (y + axis * found + column).update(repeating: i, count: own)
          }
          for j in 0..<own { y[place.count * found + column + j] = row[j] }
          column += own
          for axis in place.indices.reversed() {
            place[axis] += 1
            if place[axis] < Int64(sizes[axis]) { break }
            place[axis] = 0
          }
        }
      }
      return found
    }
  }
}
