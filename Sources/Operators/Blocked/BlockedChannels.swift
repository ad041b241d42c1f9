import Graphs
import Kernels
import Tensors

/// Channels of images in the blocked layout, side by side in another order: channel c of the result
/// is channel `map[c]` of all inputs' channels in a row.
///
/// - `inputs`: at least one, float32 `[N, ceil(C / block), H, W, block]`, block 8 or 16, equal but
///   for their channels.
/// - `channels`: C of each input. `map`: 0 to the sum of `channels` - 1 each; default all in order.
/// - Output: `[N, ceil(length of map / block), H, W, block]`.
/// - Errors: `.shape` for other ranks or sizes, `.attribute` for a map that leads elsewhere.
/// - Source: domain ai.dlrun 1; ONNX Concat, Split, Slice and the shuffle of channels by Reshape
///   and Transpose, between changes of layout.
public struct BlockedChannels: Operator {
  public let channels: [Int]
  /// Empty for all channels in order.
  public let map: [Int]

  public static let schema = Schema(
    "BlockedChannels", domain: "ai.dlrun", versions: [1],
    inputs: [.variadic("inputs", BlockedLayout.types)],
    outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: [
      AttributeSpec("channels", .ints, "channels of each input as a plain image"),
      AttributeSpec("map", .ints, "for each channel of the result its source; default all"),
    ],
    inputCounts: [1: 1...Int.max],
    cases: {
      let (a, b) = (try BlockedLayout.example(), try BlockedLayout.example(channels: 19))
      let (x, y) = (
        try Eager().apply(ToBlocked(block: 8), a), try Eager().apply(ToBlocked(block: 8), b)
      )
      return [
        .init(BlockedChannels(channels: [7, 19, 7]), [x, y, x]),
        .init(BlockedChannels(channels: [19], map: [3, 18, 0, 0, 9, 10, 11, 1, 17, 4]), [y]),
        .init(BlockedChannels(channels: [19], map: Array(8..<19)), [y]),
      ]
    })

  public init(channels: [Int], map: [Int] = []) {
    self.channels = channels
    self.map = map
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    channels = try a.ints("channels")
    map = try a.ints("map", default: [])
    var sum = 0
    for n in channels {
      guard n >= 1, n <= Int(Int32.max) else {
        throw EngineError(
          .attribute, "attribute 'channels' is out of range", expected: "1 to \(Int32.max)",
          received: "\(n)")
      }
      sum += n
    }
    for c in map where c < 0 || c >= sum {
      throw EngineError(
        .attribute, "attribute 'map' leads to no channel", expected: "0 to \(sum - 1)",
        received: "\(c)")
    }
  }
  public var attributes: [Attribute] {
    [.ints("channels", channels)] + (map.isEmpty ? [] : [.ints("map", map)])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.inputs.count == channels.count else {
      throw EngineError(
        .arity, "attribute 'channels' says another number of inputs",
        expected: "\(channels.count)", received: "\(c.inputs.count)")
    }
    let count = map.isEmpty ? channels.reduce(0, +) : map.count
    var found: [Dim]?
    for i in 0..<channels.count {
      guard let x = c.dims(i) else { continue }
      let block = x.last?.known ?? 16
      guard x.count == 5, block == 8 || block == 16 else {
        throw EngineError(
          .shape, "input \(i) is not blocked", expected: "[N, C / block, H, W, block]",
          received: "\(x)")
      }
      if x[4].known != nil {
        _ = try BlockedLayout(block: block).plain(x, channels: Dim(channels[i]), "\(i)")
      }
      guard let so = found else {
        found = x
        continue
      }
      for axis in [0, 2, 3, 4] {
        if let a = so[axis].known, let b = x[axis].known, a != b {
          throw EngineError(
            .shape, "input \(i) has another size on axis \(axis)", expected: "\(so)",
            received: "\(x)")
        }
      }
    }
    guard let x = found, c.dims(0) != nil else { return [Fact(c.dtype(0), nil)] }
    return [
      Fact(
        c.dtype(0), [x[0], Dim(count).dividedRoundingUp(by: x[4]), x[2], x[3], x[4]])
    ]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard x.dtype == .float32 else { throw p.noKernel() }
    let order = map.isEmpty ? Array(0..<channels.reduce(0, +)) : map
    let kernel = try BlockedChannelMap(
      batch: x.shape[0], channels: channels, map: order, pixels: x.shape[2] * x.shape[3],
      lanes: x.shape[4], threads: p.options.threads)
    let start = x.shape[0] == 1 ? stretch(lanes: x.shape[4]) : nil
    let movement: Movement =
      start.map { .parts([$0 * x.shape[2] * x.shape[3] * x.dtype.byteSize]) } ?? .none
    return Prepared(movement: movement, label: kernel.label) { m in
      kernel.run(inputs: m.inputs, y: m.output(0), pool: m.pool)
    }
  }

  /// The first channel, where the result is whole blocks of a single input, one after the other.
  private func stretch(lanes: Int) -> Int? {
    guard channels.count == 1, let first = map.first, first % lanes == 0,
      map == Array(first..<first + map.count),
      map.count % lanes == 0 || first + map.count == channels[0]
    else { return nil }
    return first
  }
}
