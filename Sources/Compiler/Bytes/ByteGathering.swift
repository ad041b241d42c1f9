import Graphs
import Kernels
import Operators
import Tensors

extension ByteWalk {
  /// Bytes of an image's pixels, each by a table.
  private struct Source: Hashable {
    let bytes: ValueID
    let table: [UInt8]
  }
  private typealias Place = (source: Source, byte: Int)

  private static let same = (0..<256).map { UInt8($0) }

  /// Images side by side along their channels.
  func joined(_ parts: [ByteImage], at place: Int) throws(EngineError) -> ByteImage? {
    var map: [(part: Int, channel: Int)] = []
    for (i, part) in parts.enumerated() { map += (0..<part.channels).map { (i, $0) } }
    return try gathered(parts, map, at: place)
  }

  /// An image whose channel c is channel `map[c].channel` of `parts[map[c].part]`.
  ///
  /// What parts take of others by tables and in another order is taken from these at once, so that
  /// joins, shuffles and parts of them are one step.
  func gathered(
    _ parts: [ByteImage], _ map: [(part: Int, channel: Int)], at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard !map.isEmpty, parts.allSatisfy({ $0.isPlain }) else { return nil }
    func wanted(_ throughMaps: Bool) -> [Place]? {
      let all = parts.map { places($0.bytes, Self.same, throughMaps: throughMaps) }
      let list: [Place] = map.compactMap { entry in
        guard let bytes = all[entry.part], bytes.indices.contains(entry.channel) else { return nil }
        return bytes[entry.channel]
      }
      return list.count == map.count ? list : nil
    }
    // More sources than a few would each be read for a few bytes.
    let most = max(4, parts.count)
    guard var list = wanted(true) else { return nil }
    if Set(list.map(\.source)).count > most {
      guard let near = wanted(false) else { return nil }
      list = near
    }
    var numbers: [Source: Int] = [:]
    var sources: [Source] = []
    for (source, _) in list where numbers[source] == nil {
      numbers[source] = sources.count
      sources.append(source)
    }
    let steps = sources.map { step($0.bytes) ?? 0 }
    if sources.count == 1, sources[0].table == Self.same, list.count > steps[0] - 4,
      list.enumerated().allSatisfy({ $0.offset == $0.element.byte })
    {
      return ByteImage(bytes: sources[0].bytes, channels: list.count)
    }
    var starts = [0]
    for n in steps { starts.append(starts[starts.count - 1] + n) }
    let tables = try Tensor(shape: [sources.count, 256], sources.flatMap(\.table))
    let op = ByteChannels(
      channels: steps, map: list.map { starts[numbers[$0.source] ?? 0] + $0.byte })
    let bytes = try g.addOne(op, [g.addConstant(tables)] + sources.map(\.bytes), at: place)
    return ByteImage(bytes: bytes, channels: list.count)
  }

  /// Bytes of an image's pixels.
  private func step(_ v: ValueID) -> Int? { g.dims(v)?.last?.known }

  /// Where each byte of a pixel of `v`, then looked up in `table`, comes from.
  private func places(_ v: ValueID, _ table: [UInt8], throughMaps: Bool) -> [Place]? {
    if let (node, _) = g.made(v, by: ByteTable.self), let x = g.input(node, 0),
      let own = try? g.constant(g.input(node, 1))?.values(as: UInt8.self), own.count == 256
    {
      return places(x, own.map { table[Int($0)] }, throughMaps: throughMaps)
    }
    if throughMaps, let (node, op) = g.made(v, by: ByteChannels.self),
      let own = try? g.constant(g.input(node, 0))?.values(as: UInt8.self)
    {
      var made: [Place] = []
      for (k, count) in op.channels.enumerated() {
        guard let x = g.input(node, k + 1) else { return nil }
        let through = (0..<256).map { table[Int(own[256 * k + $0])] }
        let source = Source(bytes: x, table: through)
        made += (0..<count).map { (source, $0) }
      }
      return op.map.map { made[$0] }
    }
    guard let count = step(v) else { return nil }
    let source = Source(bytes: v, table: table)
    return (0..<count).map { (source, $0) }
  }

  /// A shuffle of channels: a Reshape that divides them in two axes, a Transpose that swaps these,
  /// a Reshape that makes one axis of them again.
  func shuffled(
    _ node: Int, _ image: ByteImage, _ from: [Dim], _ to: [Dim], at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard image.row == nil else { return nil }
    var made = image
    switch g.node(node).op {
    case is Reshape where from.count == 4 && to.count == 5 && image.groups == nil:
      guard from[0] == to[0], from[2...] == to[3...], let outer = to[1].known,
        let inner = to[2].known, outer * inner == image.channels
      else { return nil }
      made.groups = (outer, inner)
      return made
    case let op as Transpose:
      guard let (outer, inner) = image.groups, op.perm == [0, 2, 1, 3, 4] else { return nil }
      made.groups = nil
      let map = (0..<image.channels).map { (part: 0, channel: $0 % outer * inner + $0 / outer) }
      guard var turned = try gathered([made], map, at: place) else { return nil }
      turned.groups = (inner, outer)
      return turned
    case is Reshape:
      guard let (outer, inner) = image.groups, from.count == 5, to.count == 4, from[0] == to[0],
        to[1].known == outer * inner, from[3...] == to[2...]
      else { return nil }
      made.groups = nil
      return made
    default: return nil
    }
  }
}
