import Tensors
import Training

/// Several categories together as one number below `bins`, by a hash.
///
/// - Inputs: two or more, strings or whole numbers, of one shape. Output: int64 of that shape, or
///   by `output`.
/// - Hash: where an input holds strings as in Keras, numbers standing for themselves; of numbers
///   alone `NumberHash` of each and the hash before, `h = hash(x + h)`, which can be a part of a
///   graph.
/// - Errors: `.arity`, `.shape`; `.unsupported` for strings in a captured graph.
/// - Source: Keras 3 HashedCrossing, TensorFlow's `sparse.cross_hashed`.
public final class HashedCrossing: Layer {
  /// Numbers that come out.
  public let bins: Int
  /// What comes out.
  public let output: CategoryOutput
  private let hash = NumberHash(salt: 0xC1055)
  /// TensorFlow's first fingerprint.
  private static let key: UInt64 = 0xDECA_FCAF_FE

  public init(_ bins: Int, output: CategoryOutput = .integers) {
    self.bins = bins
    self.output = output
    super.init()
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try checked(bins, "the number of bins")
    try checked(Int(NumberHash.prime) - bins, from: 0, "2^31 - 1 less the number of bins")
    try expect(shapes, count: 2...Int.max)
    for shape in shapes.dropFirst() where !shape.fits(shapes[0]) {
      throw EngineError(
        .shape, "crossed inputs differ in shape", expected: "\(shapes[0])", received: "\(shape)")
    }
    guard output != .tfIDF else {
      throw EngineError(.attribute, "the layer has no such output", received: output.rawValue)
    }
  }
  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] { [output.shape(for: shapes[0], depth: bins)] }

  public override func forward(all xs: [Tensor]) throws -> Tensor {
    let ids: Tensor
    if xs.contains(where: { $0.dtype == .string }) {
      try refuseCapture(
        "a hash of strings", hint: "use StringLookup, or hash before the model")
      var prints = [UInt64](repeating: Self.key, count: xs[0].count)
      for x in xs {
        let own =
          x.dtype == .string
          ? x.strings.map { FarmHash.fingerprint($0) }
          : Array(try x.cast(to: .int64).elements(Int64.self)).map { UInt64(bitPattern: $0) }
        for i in prints.indices where i < own.count {
          prints[i] = FarmHash.joined(prints[i], own[i])
        }
      }
      ids = try Tensor(shape: xs[0].shape, prints.map { Int64($0 % UInt64(bins)) })
    } else {
      var now: Tensor?
      for x in xs {
        // Far below 2^63 - 2^31 in every use there is; beyond it sums wrap.
        let whole = try x.cast(to: .int64)
        now = try hash(now.map { try whole + $0 } ?? whole)
      }
      guard let now else { throw EngineError(.arity, "nothing to cross") }
      ids = try now.modulo(Tensor(scalar: Int64(bins)))
    }
    return try output.encoded(ids, depth: bins, dtype: dtype)
  }

  public override var configuration: [(name: String, value: String)] {
    [("bins", "\(bins)"), ("output", output.rawValue)]
  }
}
