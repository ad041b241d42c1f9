import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct NPYTests {
  /// A file with this dictionary, version 1.0.
  static func file(_ dictionary: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [version, 0]
    if version == 1 {
      bytes.appendLittle(UInt16(dictionary.utf8.count))
    } else {
      bytes.appendLittle(UInt32(dictionary.utf8.count))
    }
    return bytes + Array(dictionary.utf8) + data
  }

  func code(_ descr: String, _ shape: String, _ count: Int) -> EngineError.Code? {
    failure {
      try NPY.read(
        NPYTests.file(
          "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }",
          [UInt8](repeating: 0, count: count)))
    }?.code
  }

  @Test func readsWhatNumPyWrites() throws {
    let fortran = try NPY.read(Fixtures.npyFortran)
    #expect(fortran.shape == [2, 3])
    #expect(fortran.floats == [0, 1, 2, 3, 4, 5])
    #expect(try NPY.read(Fixtures.npyBigEndian).values(as: Int32.self) == [1, -2, 3])
    let half = try NPY.read(Fixtures.npyBFloat16)
    #expect(try half.values(as: BFloat16.self).map { $0.float } == [1, -2.5])
    #expect(try NPY.read(Fixtures.npyText).strings == ["a", "née", ""])
    let object = failure { try NPY.read(Fixtures.npyObject) }
    #expect(object?.code == .unsupported)
    #expect(object?.message.contains("Python objects") == true)
  }

  static let tensors: [Tensor] = {
    func make(_ t: () throws -> Tensor) -> [Tensor] { (try? t()).map { [$0] } ?? [] }
    var list: [Tensor] = []
    list += make { try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float]) }
    list += make { try Tensor(scalar: 2.5) }
    list += make { try Tensor(shape: [0, 4], [] as [Int64]) }
    list += make { try Tensor([1, 2, 3] as [Float16]) }
    list += make { try Tensor([-1, 2] as [Int8]) }
    list += make { try Tensor([-1, 2] as [Int16]) }
    list += make { try Tensor([-1, .max] as [Int32]) }
    list += make { try Tensor([.min, 2] as [Int64]) }
    list += make { try Tensor([255] as [UInt8]) }
    list += make { try Tensor([65535] as [UInt16]) }
    list += make { try Tensor([.max] as [UInt32]) }
    list += make { try Tensor([.max] as [UInt64]) }
    list += make { try Tensor([true, false, true]) }
    list += make { try Tensor([BFloat16(1.5), BFloat16(-3)]) }
    list += make { try Tensor(shape: [2, 1], strings: ["", "ab😀"]) }
    for dtype in [DType.complex64, .complex128] {
      list += make {
        try Tensor(TensorType(dtype, [2])) { bytes in
          for i in bytes.indices { bytes[i] = UInt8(i) }
        }
      }
    }
    return list
  }()

  @Test func roundTrips() throws {
    #expect(NPYTests.tensors.count == 17)
    for tensor in NPYTests.tensors {
      let bytes = try NPY.bytes(of: tensor)
      let back = try NPY.read(bytes)
      #expect(difference(back, tensor) == nil)
      if tensor.dtype != .string { #expect(bytes.count % 64 == tensor.byteCount % 64) }
    }
  }

  /// What NumPy has no type for keeps its values or its bits, as the documentation says.
  @Test func writesOtherTypesSafely() throws {
    let four = try Integers.narrowed([-8, 7, 1], to: TensorType(.int4, [3]))
    #expect(try NPY.read(try NPY.bytes(of: four)).values(as: Int8.self) == [-8, 7, 1])
    let two = try Integers.narrowed([3, 0, 1, 2, 1], to: TensorType(.uint2, [5]))
    #expect(try NPY.read(try NPY.bytes(of: two)).values(as: UInt8.self) == [3, 0, 1, 2, 1])
    let float4 = try Tensor(TensorType(.float4e2m1, [3])) {
      $0[0] = 0x21
      $0[1] = 0x0F
    }
    let file = try NPY.bytes(of: float4)
    #expect(failure { try NPY.read(file) }?.code == .dtype)
    #expect(difference(try NPY.read(file, raw: .float4e2m1), float4) == nil)
    let eight = try Tensor(TensorType(.float8e5m2, [2])) {
      $0[0] = 1
      $0[1] = 0xFF
    }
    let raw = try NPY.bytes(of: eight)
    #expect(difference(try NPY.read(raw, raw: .float8e5m2), eight) == nil)
    #expect(failure { try NPY.bytes(of: try Tensor(shape: [1], strings: ["a\0"])) }?.code == .value)
  }

  @Test func readsEveryVersion() throws {
    let text = "{'descr': '<i2', 'fortran_order': False, 'shape': (2L,)}  \n"
    for version in 1...3 {
      let t = try NPY.read(NPYTests.file(text, [1, 0, 2, 0], version: UInt8(version)))
      #expect(try t.values(as: Int16.self) == [1, 2])
    }
    #expect(
      failure { try NPY.read(NPYTests.file(text, [1, 0, 2, 0], version: 4)) }?.code == .unsupported)
  }

  @Test func turnsFortranOrderRound() throws {
    // numpy.asfortranarray(numpy.arange(24).reshape(2, 3, 4))
    let rows: [Int16] = (0..<24).map { Int16($0) }
    var columns: [Int16] = []
    for k in 0..<4 {
      for j in 0..<3 { for i in 0..<2 { columns.append(Int16(i * 12 + j * 4 + k)) } }
    }
    let data: [UInt8] = columns.flatMap { (n: Int16) -> [UInt8] in [UInt8(n), 0] }
    let t = try NPY.read(
      NPYTests.file("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3, 4), }", data))
    #expect(try t.values(as: Int16.self) == rows)
  }

  @Test func boolsAreZeroOrOne() throws {
    let t = try NPY.read(
      NPYTests.file("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", [0, 1, 7]))
    #expect(Array(t.rawBytes) == [0, 1, 1])
  }

  @Test func refusesWhatDoesNotFit() {
    #expect(code("<f4", "(2,)", 8) == nil)
    #expect(code("<f4", "(2,)", 7) == .malformed)
    #expect(code("<f4", "(2,)", 9) == .malformed)
    #expect(code("<f4", "(2)", 8) == .malformed)
    #expect(code("<f4", "(4194305, 4194305, 211106198978564)", 4) == .shape)
    #expect(code("<f4", "(0, 9223372036854775807, 9)", 0) == .shape)
    #expect(code("<f4", "(99999999999999999999,)", 0) == .malformed)
    #expect(code("<f4", "(-1,)", 0) == .malformed)
    #expect(code("<f4", "(1,1,1,1,1,1,1,1,1)", 4) == .shape)
    #expect(code("<M8[ns]", "(1,)", 8) == .unsupported)
    #expect(code("<f16", "(1,)", 16) == .unsupported)
    #expect(code("<V8", "(1,)", 8) == .unsupported)
    #expect(code("f4", "(1,)", 4) == .malformed)
    #expect(code("<f+4", "(1,)", 4) == .malformed)
    #expect(code("<U0", "(1000000000000,)", 0) == .malformed)
    #expect(code("<U4611686018427387904", "(4,)", 0) == .malformed)
    #expect(code("<U1", "(1,)", 4) == nil)
    for text in [
      "{}", "{'descr': '<f4'}", "", "[]", "{'descr': [('a', '<f4')], ",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x",
    ] {
      let error = failure { try NPY.read(NPYTests.file(text, [0, 0, 0, 0])) }
      #expect(error?.code == .malformed || error?.code == .unsupported, "\(text)")
    }
    let surrogate = NPYTests.file(
      "{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", [0, 0xD8, 0, 0])
    #expect(failure { try NPY.read(surrogate) }?.code == .malformed)
    let latin = NPYTests.file("{'descr': '|S1', 'fortran_order': False, 'shape': (1,)}", [0xE9])
    #expect(failure { try NPY.read(latin) }?.code == .malformed)
  }

  @Test func hostileBytesNeverTrap() {
    for file in [Fixtures.npyFortran, Fixtures.npyText] {
      #expect(attack(file) { _ = try NPY.read($0) }.cut == 0)
    }
  }
}

@Suite struct NPZTests {
  func read(_ bytes: [UInt8]) throws -> [(name: String, value: Tensor)] {
    try withFile(bytes, ".npz") { try NPZ.read($0) }
  }

  @Test func readsWhatNumPyWrites() throws {
    for file in [Fixtures.npzStored, Fixtures.npzCompressed] {
      let arrays = try read(file)
      #expect(arrays.map { $0.name } == ["x", "y"])
      #expect(arrays[0].value.shape == [2, 2])
      #expect(arrays[0].value.floats == [0, 1, 2, 3])
      #expect(try arrays[1].value.values(as: Int64.self) == [7])
    }
  }

  @Test(arguments: [false, true]) func roundTrips(_ compress: Bool) throws {
    let arrays = NPYTests.tensors.enumerated().map { (name: "t\($0)/é", value: $1) }
    var (sink, again) = (MemorySink(), MemorySink())
    try NPZ.write(arrays, compress: compress, to: &sink)
    try NPZ.write(arrays, compress: compress, to: &again)
    #expect(sink.bytes == again.bytes)
    let back = try read(sink.bytes)
    #expect(back.map { $0.name } == arrays.map { $0.name })
    for (got, want) in zip(back, arrays) {
      #expect(difference(got.value, want.value) == nil)
      // What was stored is used where it lies.
      if !compress, ![.string, .bool].contains(got.value.dtype) {
        #expect(got.value.storage.isBorrowed)
      }
    }
  }

  /// Damage to a checked byte is found; the few accepted flips lie in dates and other bytes that
  /// nothing depends on.
  @Test func hostileBytesNeverTrap() throws {
    for file in [Fixtures.npzStored, Fixtures.npzCompressed] {
      let arrays = try read(file)
      let result = attack(file) { bytes in
        let got = try bytes.withUnsafeBytes { try NPZ.read($0) }
        #expect(got.count == 2)
        for (a, b) in zip(got, arrays) { #expect(difference(a.value, b.value) == nil) }
      }
      #expect(result.cut == 0)
      #expect(result.flipped < 400)
    }
  }

  @Test func writesAndRefusesNamesTwice() throws {
    let t = try Tensor(scalar: Float(1))
    var sink = MemorySink()
    #expect(failure { try NPZ.write([("a", t), ("a", t)], to: &sink) }?.code == .usage)
    var empty = MemorySink()
    try NPZ.write([], to: &empty)
    #expect(try read(empty.bytes).isEmpty)
    #expect(failure { try NPZ.read("/nowhere/a.npz") }?.code == .inputMissing)
  }
}
