import Graphs
import Kernels
import Tensors

/// What the bytes of two images and of their result stand for, and the bounds of the result.
public struct BytePairScales: Hashable, Sendable {
  public let a: PixelScale
  public let b: PixelScale
  public let y: PixelScale
  public let low: Int
  public let high: Int

  static let inputs = [Parameter("A", ByteLayout.types), Parameter("B", ByteLayout.types)]
  static let specs =
    ByteLayout.specs("a", of: "A") + ByteLayout.specs("b", of: "B") + ByteLayout.specs("y", of: "Y")
    + ByteLayout.boundSpecs

  public init(
    _ a: PixelScale, _ b: PixelScale, to y: PixelScale, low: Int = 0, high: Int = 255
  ) {
    (self.a, self.b, self.y, self.low, self.high) = (a, b, y, low, high)
  }

  init(reading r: AttributeReader) throws(EngineError) {
    a = try ByteLayout.scale("a", r)
    b = try ByteLayout.scale("b", r)
    y = try ByteLayout.scale("y", r)
    (low, high) = try ByteLayout.bounds(r)
  }
  var attributes: [Attribute] {
    ByteLayout.attributes("a", a) + ByteLayout.attributes("b", b) + ByteLayout.attributes("y", y)
      + [.int("low", low), .int("high", high)]
  }
}

/// What sums and products of two images of bytes share.
public protocol BytePairing: Operator {
  var scales: BytePairScales { get }
  static var kind: BytePair.Kind { get }
}

extension BytePairing {
  public var attributes: [Attribute] { scales.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let a = c.dims(0) else { return [Fact(.uint8, nil)] }
    if let b = c.dims(1) {
      func fits(_ size: Dim, _ other: Dim) -> Bool {
        size.known == nil || other.known == nil || size.known == other.known
      }
      let isSame = a.count == b.count && zip(a, b).allSatisfy { fits($0, $1) }
      let isRow =
        a.count == 4 && b.count == 4 && fits(a[0], b[0]) && fits(1, b[1]) && fits(1, b[2])
        && fits(a[3], b[3])
      guard isSame || isRow else {
        throw EngineError(
          .shape, "input B has neither A's sizes nor a pixel for each image",
          expected: "\(a)", received: "\(b)")
      }
    }
    return [Fact(.uint8, a)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, b) = (try p.input(0).shape, try p.input(1).shape)
    let kernel = BytePair(
      Self.kind, scales.a, scales.b, to: scales.y, low: scales.low, high: scales.high)
    if a.count == 0 { return Prepared { (_) throws(EngineError) in } }
    if a == b {
      let count = a.count
      return Prepared(inPlace: 3, label: kernel.label) { m in
        kernel.run(
          m.input(0), m.input(1), m.output(0), rows: 1, row: count, period: count, pool: m.pool)
      }
    }
    let (batch, period) = (a[0], b[3])
    let row = a.count / max(batch, 1)
    return Prepared(inPlace: 1, label: kernel.label) { m in
      kernel.run(
        m.input(0), m.input(1), m.output(0), rows: batch, row: row, period: period, pool: m.pool)
    }
  }
}
