import Graphs

/// Values that must share scale and zero point, joined two by two.
struct ValueGroups {
  private var parent: [ValueID: ValueID] = [:]

  /// The value that stands for the group of `v`.
  func root(_ v: ValueID) -> ValueID {
    var at = v
    while let next = parent[at], next != at { at = next }
    return at
  }

  mutating func join(_ a: ValueID, _ b: ValueID) {
    let (x, y) = (root(a), root(b))
    if x != y { parent[max(x.index, y.index) == x.index ? x : y] = x.index < y.index ? x : y }
  }
}
