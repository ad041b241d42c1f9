import Graphs
import Tensors

/// A hash of 32 bits of each element: MurmurHash3's x86_32 of its bytes, of a string its UTF-8.
///
/// - `X`: int32, uint32, int64, uint64, float32, float64 or string, any shape.
/// - `Y`: uint32, or int32 where `positive` is 0; X's shape.
/// - `positive`: default 1; `seed`: default 0.
/// - Source: com.microsoft MurmurHash3 1; the algorithm by Austin Appleby.
public struct MurmurHash3: Operator {
  public let isPositive: Bool
  public let seed: UInt32

  static let types = DTypes(.uint32, .int32, .uint64, .int64, .float32, .float64, .string)
  public static let schema = Schema(
    "MurmurHash3", domain: "com.microsoft", versions: [1], inputs: [Parameter("X", types, "T1")],
    outputs: [Parameter("Y", DTypes(.uint32, .int32), "T2")],
    attributes: [
      AttributeSpec("positive", .int, "1 (default): uint32; 0: int32"),
      AttributeSpec("seed", .int, "start of the hash; default 0"),
    ],
    cases: {
      [
        .init(MurmurHash3(), [try Tensor([1, 2, -3] as [Int32])]),
        .init(
          MurmurHash3(isPositive: false, seed: 7),
          [try Tensor(shape: [2], strings: ["a", "bcdef"])]),
      ]
    })

  public init(isPositive: Bool = true, seed: UInt32 = 0) {
    self.isPositive = isPositive
    self.seed = seed
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    isPositive = try a.bool("positive", default: true)
    seed = UInt32(truncatingIfNeeded: try a.int("seed", default: 0))
  }
  public var attributes: [Attribute] {
    [.bool("positive", isPositive), .int("seed", Int(seed))]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(isPositive ? .uint32 : .int32, c.dims(0))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    let y = try e.allocate(TensorType(isPositive ? .uint32 : .int32, x.shape))
    let hashes = y.bytes.assumingMemoryBound(to: UInt32.self)
    if x.dtype == .string {
      for (i, text) in x.strings.enumerated() { hashes[i] = hash(Array(text.utf8)[...]) }
    } else {
      let size = x.dtype.byteSize
      let bytes = Array(x.rawBytes)
      for i in 0..<x.count { hashes[i] = hash(bytes[i * size..<(i + 1) * size]) }
    }
    return [.tensor(Tensor(y))]
  }

  private func hash(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    func rotated(_ x: UInt32, _ n: UInt32) -> UInt32 { x << n | x >> (32 - n) }
    func mixed(_ word: UInt32) -> UInt32 {
      rotated(word &* 0xCC9E_2D51, 15) &* 0x1B87_3593
    }
    var h = seed
    var word: UInt32 = 0
    var held: UInt32 = 0
    for byte in bytes {
      word |= UInt32(byte) << (8 * held)
      held += 1
      if held == 4 {
        h = rotated(h ^ mixed(word), 13) &* 5 &+ 0xE654_6B64
        word = 0
        held = 0
      }
    }
    if held > 0 { h ^= mixed(word) }
    h ^= UInt32(truncatingIfNeeded: bytes.count)
    h = (h ^ h >> 16) &* 0x85EB_CA6B
    h = (h ^ h >> 13) &* 0xC2B2_AE35
    return h ^ h >> 16
  }
}
