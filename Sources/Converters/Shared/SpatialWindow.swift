import Graphs
import Tensors

/// Strides, dilations and padding of a convolution or pool, along the spatial axes.
struct SpatialWindow {
  enum Padding {
    /// As many results as elements, divided by the stride and rounded up; more padding behind.
    case same
    case valid
    case explicit(begin: [Int], end: [Int])
  }
  var strides: [Int]
  var dilations: [Int]
  var padding: Padding

  /// Errors: `.invalidModel` for strides and dilations below 1.
  func check(_ axes: Int) throws(EngineError) {
    let legal = 1..<(1 << 30)
    guard strides.count == axes, dilations.count == axes,
      strides.allSatisfy(legal.contains), dilations.allSatisfy(legal.contains)
    else {
      throw EngineError(
        .invalidModel, "the window has no legal strides or dilations",
        expected: "\(axes) numbers from 1", received: "\(strides), \(dilations)")
    }
    if case .explicit(let begin, let end) = padding {
      guard begin.count == axes, end.count == axes,
        (begin + end).allSatisfy({ (0..<(1 << 30)).contains($0) })
      else { throw EngineError(.invalidModel, "the padding of the window is out of range") }
    }
  }

  /// The attributes of `Conv` and the pools; padding is spelled out where sizes are known.
  func attributes(_ kernel: [Int], _ sizes: [Dim]?) throws(EngineError) -> [Attribute] {
    try check(kernel.count)
    var list: [Attribute] = [.ints("kernel_shape", kernel), .ints("strides", strides)]
    // Pools have the attribute only in later versions.
    if dilations.contains(where: { $0 != 1 }) { list.append(.ints("dilations", dilations)) }
    switch padding {
    case .valid: break
    case .explicit(let begin, let end): list.append(.ints("pads", begin + end))
    case .same:
      guard let pads = samePads(kernel, sizes) else {
        list.append(.string("auto_pad", "SAME_UPPER"))
        break
      }
      list.append(.ints("pads", pads.begin + pads.end))
    }
    return list
  }

  /// What SAME pads; nil where it depends on sizes that are not known.
  private func samePads(_ kernel: [Int], _ sizes: [Dim]?) -> (begin: [Int], end: [Int])? {
    var (begin, end): ([Int], [Int]) = ([], [])
    for (i, k) in kernel.enumerated() {
      guard let reach = Self.reach(k, dilations[i]) else { return nil }
      let total: Int
      if strides[i] == 1 {
        total = max(0, reach - 1)
      } else if let n = sizes?[i].known, n > 0, n < 1 << 40 {
        let results = (n + strides[i] - 1) / strides[i]
        let needed = (results - 1).multipliedReportingOverflow(by: strides[i])
        guard !needed.overflow, needed.partialValue < 1 << 50 else { return nil }
        total = max(0, needed.partialValue + reach - n)
      } else if reach <= 1 {
        total = 0
      } else {
        return nil
      }
      begin.append(total / 2)
      end.append(total - total / 2)
    }
    return (begin, end)
  }

  /// How far a kernel of `k` taps reaches.
  static func reach(_ k: Int, _ dilation: Int) -> Int? {
    guard k >= 1, k < 1 << 30, dilation < 1 << 30 else { return nil }
    return (k - 1) * dilation + 1
  }
}
