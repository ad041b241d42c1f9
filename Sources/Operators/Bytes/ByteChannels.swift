import Graphs
import Kernels
import Tensors

/// Channels of images of bytes, side by side in another order, each image's bytes by a table of its
/// own: channel c of the result is `T[k, X_k[b]]`, where byte `map[c]` of all images' pixels in a row
/// is byte b of image k.
///
/// - `T`: uint8 `[K, 256]`. `images`: K of them, uint8 `[N, H, W, C in fours]`, equal but for their
///   channels.
/// - `channels`: C of each image, in fours. `map`: 0 to the sum of `channels` - 1 each.
/// - Output: uint8 `[N, H, W, length of map in fours]`.
/// - Errors: `.shape` for other ranks or sizes, `.attribute` for a map that leads elsewhere.
/// - Source: domain ai.dlrun 1; ONNX Concat, Split, Slice and the shuffle of channels by Reshape and
///   Transpose, between DequantizeLinear and QuantizeLinear.
public struct ByteChannels: Operator {
  public let channels: [Int]
  public let map: [Int]

  public static let schema = Schema(
    "ByteChannels", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("T", ByteLayout.types), .variadic("images", ByteLayout.types)],
    outputs: [Parameter("Y", ByteLayout.types)],
    attributes: [
      AttributeSpec("channels", .ints, "bytes of each image's pixels"),
      AttributeSpec("map", .ints, "for each channel of the result its source"),
    ],
    inputCounts: [1: 2...Int.max],
    cases: {
      let (a, b) = (try ByteLayout.example(), try ByteLayout.example(channels: 90, seed: 3))
      let same = (0..<256).map { UInt8($0) }
      let tables = try Tensor(shape: [2, 256], same + (0..<256).map { UInt8($0 * 91 % 256) })
      let joined = [0, 1, 2, 3, 4, 5] + (8..<98)
      return [
        .init(ByteChannels(channels: [8, 92], map: joined), [tables, a, b]),
        .init(
          ByteChannels(channels: [92], map: [3, 89, 0, 0, 70, 71, 72]),
          [try Tensor(shape: [1, 256], same), b]),
      ]
    })

  public init(channels: [Int], map: [Int]) { (self.channels, self.map) = (channels, map) }

  public init(reading a: AttributeReader) throws(EngineError) {
    channels = try a.ints("channels")
    map = try a.ints("map")
    var sum = 0
    for n in channels {
      guard n >= 4, n % 4 == 0, n <= Int(Int32.max) else {
        throw EngineError(
          .attribute, "attribute 'channels' is out of range",
          expected: "4 to \(Int32.max), in fours", received: "\(n)")
      }
      sum += n
    }
    for c in map where c < 0 || c >= sum {
      throw EngineError(
        .attribute, "attribute 'map' leads to no channel", expected: "0 to \(sum - 1)",
        received: "\(c)")
    }
    guard !map.isEmpty else {
      throw EngineError(
        .attribute, "attribute 'map' is empty", expected: "a source for each channel",
        received: "none")
    }
  }
  public var attributes: [Attribute] { [.ints("channels", channels), .ints("map", map)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.inputs.count == channels.count + 1 else {
      throw EngineError(
        .arity, "attribute 'channels' says another number of images",
        expected: "\(channels.count)", received: "\(c.inputs.count - 1)")
    }
    if let t = c.dims(0) {
      guard t.count == 2, (t[0].known ?? channels.count) == channels.count,
        (t[1].known ?? 256) == 256
      else {
        throw EngineError(
          .shape, "input T has no table of bytes for each image",
          expected: "[\(channels.count), 256]", received: "\(t)")
      }
    }
    var found: [Dim]?
    for i in channels.indices {
      guard let x = c.dims(i + 1) else { continue }
      _ = try ByteLayout.plain(x, channels: Dim(channels[i]), "\(i + 1)")
      guard let so = found else {
        found = x
        continue
      }
      for axis in 0..<3 {
        if let a = so[axis].known, let b = x[axis].known, a != b {
          throw EngineError(
            .shape, "input \(i + 1) has another size on axis \(axis)", expected: "\(so)",
            received: "\(x)")
        }
      }
    }
    guard let x = found, c.dims(1) != nil else { return [Fact(.uint8, nil)] }
    return [Fact(.uint8, [x[0], x[1], x[2], Dim(BytePanels.step(map.count))])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    // Tables that change nothing cost nothing, where they are known.
    var isTabled = [Bool](repeating: true, count: channels.count)
    if let tables = try p.constant(0)?.values(as: UInt8.self) {
      isTabled = channels.indices.map { k in
        (0..<256).contains { tables[256 * k + $0] != UInt8($0) }
      }
    }
    let kernel = try ByteChannelMap(
      pixels: y.shape[0] * y.shape[1] * y.shape[2], steps: channels, map: map,
      isTabled: isTabled, threads: p.options.threads)
    return Prepared(label: kernel.label) { m in
      kernel.run(inputs: m.inputs + 1, tables: m.input(0), y: m.output(0), pool: m.pool)
    }
  }
}
