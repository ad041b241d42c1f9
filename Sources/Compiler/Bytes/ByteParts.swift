import Graphs
import Kernels
import Operators
import Tensors

extension ByteWalk {
  /// Some neighbouring channels of an image: what `v`, a result of `node`, takes of it.
  func part(
    _ node: Int, _ image: ByteImage, taking v: ValueID, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard let x = g.input(node, 0), g.dims(x)?.count == 4,
      let channels = channels(node, v, of: image.channels)
    else { return nil }
    return try gathered([image], channels.map { (part: 0, channel: $0) }, at: place)
  }

  private func channels(_ node: Int, _ v: ValueID, of all: Int) -> Range<Int>? {
    switch g.node(node).op {
    case let op as Split:
      guard op.axis == 1 || op.axis == -3 else { return nil }
      var first = 0
      for y in g.node(node).outputs {
        guard let y, let count = g.dims(y)?[1].known else { return nil }
        if y == v { return first + count <= all ? first..<first + count : nil }
        first += count
      }
      return nil
    case is Slice:
      func numbers(_ i: Int) -> [Int]? { g.input(node, i).flatMap { g.fact($0).knownInts } }
      guard let starts = numbers(1), let ends = numbers(2), let axes = numbers(3),
        axes == [1] || axes == [-3], starts.count == 1, ends.count == 1,
        g.input(node, 4) == nil || numbers(4) == [1]
      else { return nil }
      func place(_ n: Int) -> Int { min(max(n < 0 ? max(n, -all) + all : n, 0), all) }
      let (first, end) = (place(starts[0]), place(ends[0]))
      return first < end ? first..<end : nil
    default: return nil
    }
  }

  /// An image with constant pixels around it, where `node` is such a Pad: `code` gives the byte
  /// that stands for its value.
  func padded(
    _ node: Int, _ image: ByteImage, at place: Int, code: (Tensor?) -> UInt8?
  ) throws(EngineError) -> ByteImage? {
    guard let op = g.node(node).op as? Pad, op.mode == .constant, op.value == 0,
      image.isPlain, g.input(node, 3) == nil,
      let pads = op.pads ?? g.input(node, 1).flatMap({ g.fact($0).knownInts }), pads.count == 8,
      [0, 1, 4, 5].allSatisfy({ pads[$0] == 0 }), pads.allSatisfy({ $0 >= 0 }),
      g.input(node, 2) == nil || g.constant(g.input(node, 2)) != nil,
      let byte = code(g.constant(g.input(node, 2)))
    else { return nil }
    let bytes = try g.addOne(
      Pad(),
      [
        image.bytes, g.addInts([0, pads[2], pads[3], 0, 0, pads[6], pads[7], 0]),
        g.addConstant(try Tensor(scalar: byte)),
      ], at: place)
    return ByteImage(bytes: bytes, channels: image.channels)
  }
}
