import Glibc
import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct TensorFileTests {
  @Test(arguments: TensorFile.Format.allCases) func roundTrips(_ format: TensorFile.Format) throws {
    let tensor = try Tensor([[1, 2.5], [-3, 1e-7]])
    let name: String? = format == .npz || format == .safetensors ? "x" : nil
    try withFile([], ".\(format.rawValue.uppercased())") { path in
      try TensorFile.write([(name, tensor)], to: path)
      let back = try TensorFile.read(path)
      #expect(back.count == 1)
      #expect(back[0].name == name)
      #expect(difference(back[0].value, tensor, rtol: 0, atol: 0) == nil)
    }
  }

  @Test func namesWhatHasNoName() throws {
    let (a, b) = (try Tensor([[1, 2], [3, 4]]), try Tensor([5, 6] as [Int64]))
    try withFile([], ".npz") { path in
      try TensorFile.write([(nil, a), ("b", b)], to: path)
      #expect(try TensorFile.read(path).map { $0.name } == ["arr_0", "b"])
    }
    try withFile([], ".tsv") { path in
      try TensorFile.write([("a", a), ("b", b)], to: path)
      let text = String(decoding: try contents(of: path), as: UTF8.self)
      #expect(text == "a_0\ta_1\tb\n1.0\t2.0\t5\n3.0\t4.0\t6\n")
      #expect(try TensorFile.read(path)[0].value.floats == [1, 2, 5, 3, 4, 6])
    }
    for ending in [".npy", ".pb"] {
      let error = failure {
        try withFile([], ending) { try TensorFile.write([(nil, a), (nil, b)], to: $0) }
      }
      #expect(error?.code == .usage)
      #expect(error?.subject.file?.hasSuffix(ending) == true)
    }
  }

  @Test func tellsFormatsByContent() throws {
    for (bytes, count) in [
      (Fixtures.npyFortran, 1), (Fixtures.npzStored, 2), (Fixtures.safetensors, 3),
      (Array(" {\"a\": 1}".utf8), 1),
    ] {
      #expect(try withFile(bytes, ".bin") { try TensorFile.read($0) }.count == count)
    }
    #expect(try withFile(Fixtures.npzStored, ".npy") { try TensorFile.read($0) }.count == 2)
  }

  @Test func errorsNameTheFile() throws {
    let missing = failure { try TensorFile.read("/nowhere/x.npy") }
    #expect(missing?.code == .inputMissing)
    #expect(missing?.subject.file == "/nowhere/x.npy")
    for ending in TensorFile.Format.allCases {
      #expect(failure { try TensorFile.read("/nowhere/x.\(ending)") }?.code == .inputMissing)
      let empty = failure { try withFile([], ".\(ending)") { try TensorFile.read($0) } }
      #expect(ending == .pb || empty?.code == .malformed, "\(ending)")
      #expect(ending == .pb || empty?.subject.file?.hasSuffix(".\(ending)") == true, "\(ending)")
    }
    #expect(failure { try withFile([1, 2], ".xyz") { try TensorFile.read($0) } }?.code == .usage)
    #expect(failure { try withFile([1, 2], "") { try TensorFile.read($0) } }?.code == .usage)
    let t = try Tensor(scalar: Float(1))
    #expect(failure { try TensorFile.write([(nil, t)], to: "/tmp/x.bin") }?.code == .usage)
    #expect(
      failure { try TensorFile.write([(nil, t)], to: "/nowhere/x.npy") }?.code == .cannotCreate)
  }

  /// A failed write leaves what was there.
  @Test func keepsTheOldFile() throws {
    try withFile(Array("1,2\n".utf8), ".csv") { path in
      let complex = try Tensor(TensorType(.complex64, [1])) { out in
        out.initializeMemory(as: UInt8.self, repeating: 0)
      }
      #expect(failure { try TensorFile.write([(nil, complex)], to: path) }?.code == .dtype)
      #expect(try contents(of: path) == Array("1,2\n".utf8))
    }
  }
}
