import Tensors

/// A nest of loops over sizes, with the step of each operand along each axis. Axes that all operands
/// walk through in one stretch are one loop.
struct CLoops {
  private(set) var sizes: [Int]
  /// For each operand, elements between neighbours along each axis; 0 where it is repeated.
  private(set) var strides: [[Int]]

  init(_ sizes: [Int], _ strides: [[Int]]) {
    var outSizes: [Int] = []
    var outStrides = [[Int]](repeating: [], count: strides.count)
    for axis in sizes.indices where sizes[axis] != 1 {
      let last = outSizes.count - 1
      let joins =
        last >= 0
        && strides.indices.allSatisfy { outStrides[$0][last] == strides[$0][axis] * sizes[axis] }
      if joins {
        outSizes[last] *= sizes[axis]
        for k in strides.indices { outStrides[k][last] = strides[k][axis] }
      } else {
        outSizes.append(sizes[axis])
        for k in strides.indices { outStrides[k].append(strides[k][axis]) }
      }
    }
    self.sizes = outSizes
    self.strides = outStrides
  }

  /// The steps of an operand of `shape` that broadcasts to `sizes`, aligned at the last axis.
  static func broadcast(_ shape: Shape, to sizes: [Int]) -> [Int] {
    let own = shape.strides
    let lead = sizes.count - shape.rank
    return sizes.indices.map { i in
      i < lead || shape[i - lead] == 1 ? 0 : own[i - lead]
    }
  }

  /// Loop variables: `i`, `j`, `k` and so on.
  func variable(_ axis: Int) -> String {
    let names = ["i", "j", "k", "l", "m", "n", "o", "p"]
    return axis < names.count ? names[axis] : "i\(axis)"
  }

  /// Where operand `k` has its element in the innermost loop.
  func index(_ k: Int, offset: Int = 0) -> String {
    let parts = sizes.indices.compactMap { axis -> String? in
      CLoops.term(variable(axis), strides[k][axis])
    }
    return CLoops.sum(parts, offset)
  }

  /// `i * 12`, `i`, or nil for a step of nothing.
  static func term(_ variable: String, _ step: Int) -> String? {
    step == 0 ? nil : step == 1 ? variable : "\(variable) * \(step)"
  }

  static func sum(_ parts: [String], _ offset: Int = 0) -> String {
    if parts.isEmpty { return "\(offset)" }
    let text = parts.joined(separator: " + ")
    return offset == 0 ? text : offset > 0 ? "\(text) + \(offset)" : "\(text) - \(-offset)"
  }
}
