import Tensors
import Testing

@testable import Kernels

/// Packed layouts are kept in files. When a digest here is another, a layout has changed: raise
/// `PackedStore.packingVersion` and write the new digests down.
@Suite struct PackingVersionTests {
  private static func weights(_ count: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7919) % 1009) - 504 }
  }

  /// FNV-1a.
  private static func digest(_ form: some PackedForm) -> UInt64 {
    form.packedBytes.rawBytes.reduce(0xCBF2_9CE4_8422_2325) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
  }

  @Test(arguments: [
    (InstructionSet.scalar, PackedMatrix.Side.right, 0 as UInt64),
    (.avx2, .right, 0), (.avx512, .right, 0),
    (.scalar, .left, 0), (.avx2, .left, 0), (.avx512, .left, 0),
  ])
  func factors(_ isa: InstructionSet, _ side: PackedMatrix.Side, _ expected: UInt64) throws {
    guard isa <= .detected else { return }
    let source = Self.weights(50 * 700)
    let form = try source.withUnsafeBytes {
      try PackedMatrix(
        side, count: 50, k: 700, from: try #require($0.baseAddress), across: 1, along: 50, isa: isa)
    }
    #expect(Self.digest(form) == expected, "\(isa) \(side)")
  }

  private static func geometry(_ channels: Int, _ outputs: Int, groups: Int = 1) -> ConvGeometry {
    ConvGeometry(
      batch: 1, groups: groups, channels: channels, outputs: outputs, input: [1, 8, 8],
      output: [1, 8, 8], kernel: [1, 3, 3], strides: [1, 1, 1], dilations: [1, 1, 1],
      pads: [0, 1, 1])
  }

  @Test(arguments: [
    (8, 1, false, 0 as UInt64), (16, 1, false, 0), (8, 1, true, 0), (16, 1, true, 0),
    (16, 3, false, 0), (8, 3, false, 0),
  ])
  func blockedFilters(_ lanes: Int, _ widest: Int, _ isPlain: Bool, _ expected: UInt64) throws {
    let source = Self.weights(41 * 70 * 9)
    let form = try source.withUnsafeBufferPointer {
      try BlockedFilter(
        Self.geometry(41, 70), lanes: lanes, isPlain: isPlain, widest: widest,
        source: try #require($0.baseAddress))
    }
    #expect(Self.digest(form) == expected, "\(lanes) \(widest) \(isPlain)")
  }

  @Test(arguments: [(8, 2, 0 as UInt64), (16, 2, 0), (8, 4, 0), (16, 4, 0)])
  func winogradFilters(_ lanes: Int, _ size: Int, _ expected: UInt64) throws {
    let source = Self.weights(41 * 70 * 9)
    let form = try source.withUnsafeBufferPointer {
      try BlockedFilter(
        Self.geometry(41, 70), winograd: size, lanes: lanes, source: try #require($0.baseAddress))
    }
    #expect(Self.digest(form) == expected, "\(lanes) F(\(size)x\(size))")
  }

  @Test(arguments: [
    (InstructionSet.scalar, 0 as UInt64), (.avx2, 0), (.avx512, 0),
  ])
  func filters(_ isa: InstructionSet, _ expected: UInt64) throws {
    guard isa <= .detected else { return }
    let source = Self.weights(2 * 41 * 70 * 9)
    let form = try source.withUnsafeBytes {
      try PackedFilter(
        try #require($0.baseAddress), Self.geometry(41, 70, groups: 2), element: .float32, isa: isa)
    }
    #expect(Self.digest(form) == expected, "\(isa)")
  }
}
