import Graphs
import Tensors

/// DepthToSpace and SpaceToDepth: what their attributes and their handling of strings share.
public protocol BlockMove: Operator {
  /// Edge of a block, from 1.
  var blockSize: Int { get }
  /// CRD: the channels of one block lie side by side.
  var isColumnFirst: Bool { get }
  init(blockSize: Int, isColumnFirst: Bool)
}

extension BlockMove {
  /// `mode` was added in opset `since`.
  static func specs(modeSince since: Int) -> [AttributeSpec] {
    [
      AttributeSpec("blocksize", .int, "edge of a block; required, from 1"),
      AttributeSpec("mode", .string, "DCR (default) or CRD", since: since),
    ]
  }

  static func cases(_ shape: Shape) throws -> [Schema.Case] {
    let x = try Tensor(shape: shape, (1...shape.count).map { Float($0) })
    return [
      .init(Self(blockSize: 2, isColumnFirst: false), [x]),
      .init(Self(blockSize: 2, isColumnFirst: true), [x]),
    ]
  }

  /// Errors: `.attribute` for an edge whose square does not fit.
  public init(reading a: AttributeReader) throws(EngineError) {
    let b = try a.int("blocksize")
    guard b >= 1, b <= 1 << 20 else {
      throw EngineError(
        .attribute, "attribute 'blocksize' is out of range", expected: "1 to \(1 << 20)",
        received: "\(b)")
    }
    let mode = try a.string("mode", default: "DCR", oneOf: ["DCR", "CRD"])
    self.init(blockSize: b, isColumnFirst: mode == "CRD")
  }

  public var attributes: [Attribute] {
    [.int("blocksize", blockSize)] + (isColumnFirst ? [.string("mode", "CRD")] : [])
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }
}
