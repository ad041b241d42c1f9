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
    (InstructionSet.scalar, PackedMatrix.Side.right, 0x63D8_EE31_462A_D53F as UInt64),
    (.avx2, .right, 0x63D8_EE31_462A_D53F), (.avx512, .right, 0x1D5C_4240_5C34_3C13),
    (.scalar, .left, 0x7DCA_B3F0_960C_C923), (.avx2, .left, 0x03DC_4930_1205_8B7F),
    (.avx512, .left, 0x03DC_4930_1205_8B7F),
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
    (8, 1, false, 0x111E_93E6_8630_7211 as UInt64), (16, 1, false, 0x2F1A_D5AB_F9E1_8E71),
    (8, 1, true, 0x0F95_E83B_3FCC_3B11), (16, 1, true, 0x95F6_F89C_05DB_B131),
    (16, 3, false, 0x4063_4329_428C_62AD), (8, 3, false, 0x131A_2E1D_E42C_3E11),
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

  @Test(arguments: [
    (8, WinogradForm.two, 0x4B98_1002_4166_0DFA as UInt64), (16, .two, 0x734D_2AF9_8BB1_B092),
    (8, .four, 0x11FF_490E_01FD_56F3), (16, .four, 0x55EB_E981_5D4E_E98F),
  ])
  func winogradFilters(_ lanes: Int, _ wanted: WinogradForm, _ expected: UInt64) throws {
    let source = Self.weights(41 * 70 * 9)
    let form = try source.withUnsafeBufferPointer {
      try BlockedFilter(
        Self.geometry(41, 70), winograd: wanted, lanes: lanes, source: try #require($0.baseAddress))
    }
    #expect(Self.digest(form) == expected, "\(lanes) \(wanted)")
  }

  @Test(arguments: [
    (InstructionSet.scalar, 0x2246_14A8_3A9D_EC8D as UInt64), (.avx2, 0xFD73_66AF_0537_DA75),
    (.avx512, 0x2BB4_05B8_7E36_CADD),
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

  // The digests of bytes and of few bits were computed apart from the packers, from the layouts'
  // descriptions.
  @Test(arguments: [
    (InstructionSet.scalar, 0x83A5_AC34_E8D6_7747 as UInt64), (.avx2, 0x750A_B4B3_4716_2D28),
    (.avx512, 0x789C_AFC8_61D5_1228), (.avx512vnni, 0x83A5_AC34_E8D6_7747),
  ])
  func bytes(_ isa: InstructionSet, _ expected: UInt64) throws {
    guard isa <= .detected else { return }
    let source = (0..<70 * 37).map { UInt8(truncatingIfNeeded: ($0 * 7919) >> 3) }
    let form = try source.withUnsafeBytes {
      try PackedBytes(
        n: 70, k: 37, isSigned: true, from: try #require($0.baseAddress), along: 70, across: 1,
        isa: isa)
    }
    #expect(Self.digest(form) == expected, "\(isa)")
  }

  @Test(arguments: [
    (2, 32, 0xAFCD_D887_047D_4055 as UInt64), (4, 32, 0x2F4E_A7AD_ECF2_F7ED),
    (8, 64, 0xE217_9FAD_B84A_3F9D),
  ])
  func fewBits(_ bits: Int, _ block: Int, _ expected: UInt64) throws {
    let form = try PackedNBits(n: 40, k: 70, block: block, bits: bits) { j, i in
      UInt8((j * 37 + i * 11) % (1 << bits))
    }
    #expect(Self.digest(form) == expected, "\(bits) bits")
  }
}
