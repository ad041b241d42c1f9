import Graphs
import Operators
import Tensors

enum PadFolding: Pass {
  static let name = "fold-pad"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "a Pad with zeros along the image's axes in front of a Conv or AveragePool, and one "
      + "with minus infinity, or with zeros around what is never negative, in front of a MaxPool",
    makes: "the operator with larger pads of its own",
    why: "Conv pads with zeros; a mean that counts its pads counts zeros; a maximum passes over "
      + "its pads, and a zero is never the largest number where a window holds another that is "
      + "not negative")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let x = g.input(i, 0), let (p, pad) = g.made(x, by: Pad.self),
        let source = g.input(p, 0), let fill = Fill(g, p, pad)
      else { continue }
      guard let op = folded(g, i, source, fill, options) else { continue }
      var inputs = g.node(i).inputs
      inputs[0] = source
      try g.fuse(i, [p], into: op, inputs, by: name)
    }
  }

  /// Pads of the spatial axes with one number.
  private struct Fill {
    let value: Double
    let begin: [Int]
    let end: [Int]

    init?(_ g: GraphEditor, _ node: Int, _ pad: Pad) {
      guard pad.mode == .constant, let x = g.input(node, 0),
        let list = pad.pads ?? g.ints(g.input(node, 1)), list.allSatisfy({ $0 >= 0 })
      else { return nil }
      var all = list
      if let given = g.input(node, 3) {
        guard let rank = g.dims(x)?.count, let at = g.ints(given).flatMap({ axes($0, rank: rank) }),
          list.count == 2 * at.count
        else { return nil }
        all = [Int](repeating: 0, count: 2 * rank)
        for (k, axis) in at.enumerated() {
          all[axis] = list[k]
          all[rank + axis] = list[at.count + k]
        }
      }
      let rank = all.count / 2
      guard rank > 2, all.count == 2 * rank, all[0] == 0, all[1] == 0, all[rank] == 0,
        all[rank + 1] == 0
      else { return nil }
      if g.input(node, 2) != nil {
        guard let number = g.scalar(g.input(node, 2)) else { return nil }
        value = number
      } else {
        value = Double(pad.value)
      }
      begin = Array(all[2..<rank])
      end = Array(all[(rank + 2)...])
    }
  }

  /// The operator with the pads, where that is the same.
  private static func folded(
    _ g: GraphEditor, _ i: Int, _ source: ValueID, _ fill: Fill, _ options: PassOptions
  ) -> (any Operator)? {
    guard g.node(i).outputs.dropFirst().allSatisfy({ $0 == nil }) else { return nil }
    switch g.node(i).op {
    case let op as Conv:
      guard fill.value == 0, let window = added(op.window, fill) else {
        g.miss(i, "\(name): the Pad before it is not with zeros, or its own pads are derived")
        return nil
      }
      return Conv(window: window, group: op.group)
    case let op as AveragePool:
      guard fill.value == 0, !op.window.ceilMode, g.mayUse(opset: 7, options),
        let window = added(op.window, fill)
      else { return nil }
      // Zeros that the Pad made count; the pool's own would not have.
      let hasOwn = (op.window.padsBegin + op.window.padsEnd).contains { $0 > 0 }
      guard op.countsPads || !hasOwn else {
        g.miss(i, "\(name): some pads count and others do not")
        return nil
      }
      return AveragePool(window, countsPads: true)
    case let op as MaxPool:
      guard !op.window.ceilMode, let window = added(op.window, fill) else { return nil }
      if fill.value == -.infinity { return MaxPool(window, isColumnMajor: op.isColumnMajor) }
      // Every window has to hold an element of the image.
      let isCovered = window.kernel.indices.allSatisfy {
        window.dilation($0) == 1 && window.padsBegin[$0] < window.kernel[$0]
          && window.padsEnd[$0] < window.kernel[$0]
      }
      guard fill.value == 0, isCovered, g.isNonNegative(source) else {
        g.miss(i, "\(name): a zero of the Pad before it could be the largest in its window")
        return nil
      }
      return MaxPool(window, isColumnMajor: op.isColumnMajor)
    default: return nil
    }
  }

  private static func added(_ window: Window, _ fill: Fill) -> Window? {
    guard window.autoPad == .explicit || window.autoPad == .valid else { return nil }
    var result = window
    result.autoPad = .explicit
    let own = window.autoPad == .valid || window.padsBegin.isEmpty
    let none = [Int](repeating: 0, count: fill.begin.count)
    let (begin, end) = own ? (none, none) : (window.padsBegin, window.padsEnd)
    guard begin.count == fill.begin.count, end.count == fill.end.count else { return nil }
    for n in fill.begin + fill.end where n > Int(Int32.max) / 2 { return nil }
    result.padsBegin = zip(begin, fill.begin).map { $0 + $1 }
    result.padsEnd = zip(end, fill.end).map { $0 + $1 }
    return result
  }
}
