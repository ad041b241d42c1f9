import Graphs
import Tensors

/// TensorFlow's strided slice: begins, ends and strides of the first axes, with masks.
///
/// Bit i of a mask speaks of entry i: `begin` and `end` open that side, `ellipsis` stands for all
/// axes in between, `newAxis` adds one of size 1, `shrink` takes one element and drops the axis.
struct StridedSlicing {
  var begins: [Int?]
  var ends: [Int?]
  var strides: [Int]
  var beginMask = 0
  var endMask = 0
  var ellipsisMask = 0
  var newAxisMask = 0
  var shrinkMask = 0

  /// The slice of `x`. `begin` and `end` hold the entries that are not known as numbers.
  func apply(
    _ x: ValueID, _ b: ConversionBuilder, begin: ValueID, end: ValueID
  ) throws(EngineError) -> ValueID {
    let rank = try b.rank(x)
    func has(_ mask: Int, _ i: Int) -> Bool { i < 62 && mask >> i & 1 == 1 }
    let count = strides.count
    guard begins.count == count, ends.count == count, count <= 32 else {
      throw EngineError(.invalidModel, "begins, ends and strides differ in number")
    }
    let ellipsis = (0..<count).first { has(ellipsisMask, $0) }
    let added = (0..<count).filter { has(newAxisMask, $0) && $0 != ellipsis }
    // Entries that speak of one axis each.
    let plain = count - added.count - (ellipsis == nil ? 0 : 1)
    guard plain <= rank else {
      throw EngineError(
        .invalidModel, "a slice speaks of too many axes", expected: "at most \(rank)",
        received: "\(plain)")
    }
    var axis = 0
    var place = 0
    var axes: [Int] = []
    var (from, to, steps): ([Part], [Part], [Int]) = ([], [], [])
    var dropped: [Int] = []
    var fresh: [Int] = []
    for i in 0..<count {
      if i == ellipsis {
        axis += rank - plain
        place += rank - plain
        continue
      }
      if has(newAxisMask, i) {
        fresh.append(place)
        place += 1
        continue
      }
      let step = strides[i]
      guard step != 0, step > -(1 << 40), step < 1 << 40 else {
        throw EngineError(.invalidModel, "a slice has an illegal stride", received: "\(step)")
      }
      if has(shrinkMask, i) {
        axes.append(axis)
        from.append(begins[i].map { .known($0) } ?? .entry(i))
        to.append(begins[i].map { .known(Self.after($0)) } ?? .after(i))
        steps.append(1)
        dropped.append(axis)
      } else {
        let opensBegin = has(beginMask, i)
        let opensEnd = has(endMask, i)
        if !(opensBegin && opensEnd && step == 1) {
          axes.append(axis)
          from.append(
            opensBegin
              ? .known(step > 0 ? 0 : Int.max >> 1) : begins[i].map { .known($0) } ?? .entry(i))
          to.append(
            opensEnd
              ? .known(step > 0 ? Int.max >> 1 : -(Int.max >> 1))
              : ends[i].map { .known($0) } ?? .entry(i))
          steps.append(step)
        }
        place += 1
      }
      axis += 1
    }
    var result = x
    if !axes.isEmpty {
      result = try b.onnx(
        "Slice",
        [
          x, try assemble(from, begin, b), try assemble(to, end, b, shrinkFrom: begin),
          try b.ints(axes), try b.ints(steps),
        ])
    }
    result = try b.squeeze(result, dropped)
    return try b.unsqueeze(result, fresh)
  }

  /// The end of a slice of one element; that of the last one is no number but the end.
  private static func after(_ place: Int) -> Int {
    place == -1 || place >= Int.max >> 1 ? Int.max >> 1 : place + 1
  }

  private enum Part {
    case known(Int)
    case entry(Int)
    /// One after entry i of the begins.
    case after(Int)
  }

  private func assemble(
    _ parts: [Part], _ source: ValueID, _ b: ConversionBuilder, shrinkFrom: ValueID? = nil
  ) throws(EngineError) -> ValueID {
    let numbers = parts.map { part -> Int? in if case .known(let n) = part { n } else { nil } }
    if numbers.allSatisfy({ $0 != nil }) { return try b.ints(numbers.compactMap { $0 }) }
    var list: [ValueID] = []
    for part in parts {
      switch part {
      case .known(let n): list.append(try b.ints([n]))
      case .entry(let i):
        let all = try b.cast(source, .int64)
        list.append(try b.slice(all, [i], [i + 1], axes: [0]))
      case .after(let i):
        let all = try b.cast(shrinkFrom ?? source, .int64)
        let start = try b.slice(all, [i], [i + 1], axes: [0])
        // After the last element lies the end, not the first.
        let next = try b.add(start, try b.ints([1]))
        let isLast = try b.onnx("Equal", [next, try b.ints([0])])
        list.append(try b.onnx("Where", [isLast, try b.ints([Int.max >> 1]), next]))
      }
    }
    return try b.concat(list, axis: 0)
  }
}
