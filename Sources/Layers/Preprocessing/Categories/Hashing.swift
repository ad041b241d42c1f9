import Tensors
import Training

/// Categories of any number as numbers below `bins`, by a hash: no vocabulary is needed, but some
/// categories share a number.
///
/// - Input: strings or whole numbers, any shape. Output: int64 of that shape, or by `output`.
/// - `mask`: a string or number that becomes 0, the others being 1 and above.
/// - Hash: of strings FarmHash's `Fingerprint64` modulo `bins`, as in Keras; of numbers
///   `NumberHash`, where Keras hashes their decimals. Only the hash of numbers can be a part of a
///   graph.
/// - `salt`: has numbers hashed otherwise; 0 by default. Strings know none.
/// - Errors: `.attribute` for no bins; `.dtype` for other inputs; `.unsupported` for strings in a
///   captured graph. - Source: Keras 3 Hashing.
public final class Hashing: Layer {
  /// What stands for nothing.
  public enum Mask: Sendable, Equatable { case text(String), number(Int) }

  /// Numbers that come out.
  public let bins: Int
  /// What becomes 0; nil for nothing.
  public let mask: Mask?
  /// What comes out.
  public let output: CategoryOutput
  private let hash: NumberHash

  public init(
    _ bins: Int, mask: Mask? = nil, salt: UInt64 = 0, output: CategoryOutput = .integers
  ) {
    self.bins = bins
    self.mask = mask
    self.output = output
    hash = NumberHash(salt: salt)
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(bins, from: mask == nil ? 1 : 2, "the number of bins")
    try checked(Int(NumberHash.prime) - bins, from: 0, "2^31 - 1 less the number of bins")
    guard output != .tfIDF else {
      throw EngineError(.attribute, "the layer has no such output", received: output.rawValue)
    }
  }
  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    output.shape(for: shape, depth: bins)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let free = mask == nil ? bins : bins - 1
    let first = mask == nil ? 0 : 1
    let ids: Tensor
    if x.dtype == .string {
      try refuseCapture(
        "a hash of strings", hint: "use StringLookup, or hash before the model")
      ids = try Tensor(
        shape: x.shape,
        x.strings.map { s -> Int64 in
          if case .text(let m)? = mask, m == s { return 0 }
          return Int64(FarmHash.fingerprint(s) % UInt64(free)) + Int64(first)
        })
    } else {
      let numbers = try x.cast(to: .int64)
      let some =
        try hash(numbers).modulo(Tensor(scalar: Int64(free))) + Tensor(scalar: Int64(first))
      if case .number(let m)? = mask {
        let isMask = try numbers.isEqual(to: Tensor(scalar: Int64(m)))
        ids = try choose(isMask, Tensor(scalar: Int64(0)), some)
      } else {
        ids = some
      }
    }
    return try output.encoded(ids, depth: bins, dtype: dtype)
  }

  public override var configuration: [(name: String, value: String)] {
    [("bins", "\(bins)"), ("output", output.rawValue)]
  }
}
