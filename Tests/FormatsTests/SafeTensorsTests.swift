import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct SafeTensorsTests {
  func read(_ bytes: [UInt8]) throws -> SafeTensors.Contents {
    try withFile(bytes, ".safetensors") { try SafeTensors.read($0) }
  }

  func file(_ header: String, _ data: [UInt8], length: Int? = nil) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittle(UInt64(length ?? header.utf8.count))
    return bytes + Array(header.utf8) + data
  }

  @Test func readsWhatTheLibraryWrites() throws {
    let contents = try read(Fixtures.safetensors)
    #expect(Set(contents.tensors.map { $0.name }) == ["a", "b", "e"])
    #expect(contents.metadata.map { "\($0.key)=\($0.value)" } == ["k=v"])
    for (name, value) in contents.tensors {
      switch name {
      case "a": #expect(value.shape == [2, 2] && value.floats == [1, 2, 3, 4])
      case "b": #expect(try value.values(as: Int64.self) == [0, 1, 2])
      default: #expect(value.type == TensorType(.float16, [0, 2]))
      }
    }
  }

  @Test func roundTrips() throws {
    var contents = SafeTensors.Contents()
    for (i, tensor) in NPYTests.tensors.enumerated()
    where tensor.dtype != .string && tensor.dtype != .complex128 {
      contents.tensors.append(("t\(i)", tensor))
    }
    for dtype in [DType.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0] {
      contents.tensors.append(
        (
          "\(dtype)",
          try Tensor(TensorType(dtype, [3])) { out in
            for i in out.indices { out[i] = UInt8(i + 1) }
          }
        ))
    }
    contents.tensors.append(("f4", try Tensor(TensorType(.float4e2m1, [2])) { $0[0] = 0x12 }))
    contents.metadata = [("z", "1"), ("ä", "\"")]
    var (sink, again) = (MemorySink(), MemorySink())
    try SafeTensors.write(contents, to: &sink)
    contents.tensors.reverse()
    contents.metadata.reverse()
    try SafeTensors.write(contents, to: &again)
    #expect(sink.bytes == again.bytes)
    let back = try read(sink.bytes)
    #expect(back.tensors.count == contents.tensors.count)
    #expect(back.metadata.count == 2)
    for (name, value) in back.tensors {
      let want = try #require(contents.tensors.first { $0.name == name })
      #expect(difference(value, want.value) == nil)
      #expect(value.storage.isBorrowed)
    }
  }

  @Test func refusesWhatTheFormatForbids() throws {
    func entry(_ name: String, _ dtype: String, _ shape: String, _ a: Int, _ b: Int) -> String {
      "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":[\(a),\(b)]}"
    }
    func code(_ entries: [String], _ data: Int) -> EngineError.Code? {
      failure {
        try read(
          file("{\(entries.joined(separator: ","))}", [UInt8](repeating: 0, count: data)))
      }?.code
    }
    #expect(code([entry("a", "U8", "[2]", 0, 2)], 2) == nil)
    #expect(code([entry("a", "U8", "[0]", 0, 0), entry("b", "U8", "[0]", 0, 0)], 0) == nil)
    #expect(code([], 0) == nil)
    #expect(code([entry("a", "U8", "[2]", 0, 2)], 3) == .malformed)
    #expect(code([entry("a", "U8", "[2]", 0, 2)], 1) == .malformed)
    #expect(code([entry("a", "U8", "[2]", 1, 3)], 3) == .malformed)
    #expect(code([entry("a", "U8", "[2]", 0, 2), entry("b", "U8", "[2]", 1, 3)], 3) == .malformed)
    #expect(code([entry("a", "U8", "[1]", 0, 1), entry("b", "U8", "[1]", 2, 3)], 3) == .malformed)
    #expect(code([entry("a", "U8", "[1]", 0, 1), entry("a", "U8", "[1]", 1, 2)], 2) == .malformed)
    #expect(code([entry("a", "F32", "[2]", 0, 4)], 4) == .malformed)
    #expect(code([entry("a", "F4", "[3]", 0, 2)], 2) == .malformed)
    #expect(code([entry("a", "F6_E2M3", "[4]", 0, 3)], 3) == .unsupported)
    #expect(code([entry("a", "U8", "[-1]", 0, 0)], 0) == .malformed)
    #expect(code([entry("a", "U8", "[2]", 2, 0)], 2) == .malformed)
    #expect(code([entry("a", "U8", "[4194305,4194305,211106198978564]", 0, 4)], 4) == .shape)
    #expect(code([entry("a", "U8", "[0,9223372036854775807,4]", 0, 0)], 0) == .shape)
    #expect(code([entry("a", "U8", "[1]", 0, Int.max)], 1) == .malformed)
    #expect(code(["\"__metadata__\":{\"a\":1}"], 0) == .malformed)
    #expect(code(["\"a\":{\"dtype\":\"U8\",\"shape\":[0]}"], 0) == .malformed)
    let extra = "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":1}"
    #expect(code([extra], 0) == .malformed)
    #expect(failure { try read(file("{}", [], length: 3)) }?.code == .malformed)
    #expect(failure { try read(file("{}", [], length: 100_000_001)) }?.code == .malformed)
    #expect(failure { try read(file("{}", [], length: -1 & Int.max)) }?.code == .malformed)
    #expect(failure { try read(file(" {}", [])) }?.code == .malformed)
    #expect(failure { try read(file("{}  ", [])) } == nil)
    let bool = file("{\(entry("a", "BOOL", "[1]", 0, 1))}", [2])
    #expect(failure { try read(bool) }?.code == .malformed)
  }

  @Test func refusesToWriteWhatIsNotInTheFormat() throws {
    var contents = SafeTensors.Contents()
    var sink = MemorySink()
    contents.tensors = [("a", try Tensor(shape: [1], strings: ["x"]))]
    #expect(failure { try SafeTensors.write(contents, to: &sink) }?.code == .dtype)
    contents.tensors = [("a", try Tensor(scalar: 1.0)), ("a", try Tensor(scalar: 2.0))]
    #expect(failure { try SafeTensors.write(contents, to: &sink) }?.code == .usage)
  }

  @Test func hostileBytesNeverTrap() throws {
    let result = attack(Fixtures.safetensors) { bytes in
      _ = try bytes.withUnsafeBytes { try SafeTensors.read($0) }
    }
    #expect(result.cut == 0)
  }
}
