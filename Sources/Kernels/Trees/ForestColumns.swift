import CKernels

/// Brings tests of any mode to `column <= value`, by columns of their own where need be.
///
/// - `x < t` is `x <= t'` with `t'` the next number below; `>` and `>=` swap the children.
/// - A NaN fails every comparison and goes right; where it must go left, the column has -infinity
///   in its place.
/// - Equality and membership become a column of 0 and 1.
struct ForestColumns {
  private struct Key: Hashable {
    let feature: Int
    let kind: UInt32
    let members: [Double]
    let nanIsMember: Bool
  }

  /// A test that goes left when its column is at most `value`.
  struct Test {
    let column: Int
    let value: Double
    let left: Int
    let right: Int
  }

  private(set) var columns: [dl_forest_column] = []
  private(set) var members: [Double] = []
  private var places: [Key: Int] = [:]
  /// Whether columns are float32 numbers, and not float64.
  let isNarrow: Bool

  init(isNarrow: Bool) { self.isNarrow = isNarrow }

  /// Nil for what the form cannot say: comparisons with NaN and below -infinity.
  mutating func test(_ n: DecisionForest.Node, _ forest: DecisionForest) -> Test? {
    switch n.mode {
    case .lessOrEqual, .greater:
      guard !n.value.isNaN else { return nil }
      return compare(n, atMost(n.value))
    case .less, .greaterOrEqual:
      guard !n.value.isNaN, n.value > -.infinity else { return nil }
      return compare(n, below(n.value))
    case .equal:
      return Test(
        column: set(n, [n.value], nanIsMember: n.nanIsYes), value: 0.5, left: n.yes, right: n.no)
    case .notEqual:
      return Test(
        column: set(n, [n.value], nanIsMember: false), value: 0.5, left: n.no, right: n.yes)
    case .member:
      let list = Array(forest.members[n.members])
      return Test(
        column: set(n, list, nanIsMember: n.nanIsYes), value: 0.5, left: n.yes, right: n.no)
    }
  }

  private mutating func compare(_ n: DecisionForest.Node, _ value: Double) -> Test {
    let isSwapped = n.mode == .greater || n.mode == .greaterOrEqual
    let nanGoesLeft = n.nanIsYes != isSwapped
    let column = place(
      Key(feature: n.feature, kind: nanGoesLeft ? 1 : 0, members: [], nanIsMember: false))
    return isSwapped
      ? Test(column: column, value: value, left: n.no, right: n.yes)
      : Test(column: column, value: value, left: n.yes, right: n.no)
  }

  private mutating func set(
    _ n: DecisionForest.Node, _ list: [Double], nanIsMember: Bool
  ) -> Int {
    place(Key(feature: n.feature, kind: 2, members: list, nanIsMember: nanIsMember))
  }

  private mutating func place(_ key: Key) -> Int {
    if let i = places[key] { return i }
    places[key] = columns.count
    columns.append(
      dl_forest_column(
        feature: UInt32(key.feature), kind: key.kind, first: UInt32(members.count),
        count: UInt32(key.members.count), nan_is_member: key.nanIsMember ? 1 : 0))
    members += key.members
    return columns.count - 1
  }

  /// The largest number of the columns' type that is at most `t`.
  private func atMost(_ t: Double) -> Double {
    guard isNarrow else { return t }
    let f = Float(t)
    return Double(Double(f) > t ? f.nextDown : f)
  }

  /// The largest number of the columns' type that is less than `t`.
  private func below(_ t: Double) -> Double {
    guard isNarrow else { return t.nextDown }
    let f = Float(t)
    return Double(Double(f) >= t ? f.nextDown : f)
  }
}
