import CDLRun
import CDLRunHeader
import DLRun
import Foundation
import Testing

/// Compiled models through the C interface.
@Suite struct CompiledSessionTests {
  @Test func sessionsOfCompiledModelsGiveTheSameBits() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("dlrun-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Model.compile(contentsOf: InterfaceTests.iris, to: path)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))

    var results: [[Float]] = []
    for make: (UnsafeMutablePointer<OpaquePointer?>) -> dlrun_status in [
      { dlrun_session_create(InterfaceTests.iris, nil, $0) },
      { dlrun_session_create(path, nil, $0) },
      { out in
        bytes.withUnsafeBytes {
          dlrun_session_create_from_memory($0.baseAddress, $0.count, nil, out)
        }
      },
    ] {
      var session: OpaquePointer?
      try #require(make(&session) == DLRUN_OK, "\(String(cString: dlrun_error_message()))")
      defer { dlrun_session_release(session) }
      var x: [Float] = [5.1, 3.5, 1.4, 0.2]
      x.withUnsafeMutableBytes { memory in
        var input = dlrun_tensor()
        input.dtype = DLRUN_FLOAT32
        input.rank = 2
        input.shape.0 = 1
        input.shape.1 = 4
        input.data = memory.baseAddress
        input.size_bytes = memory.count
        var output = dlrun_tensor()
        #expect(dlrun_session_run_tensors(session, nil, &input, 1, nil, &output, 1) == DLRUN_OK)
        if let data = output.data?.assumingMemoryBound(to: Float.self) {
          results.append(Array(UnsafeBufferPointer(start: data, count: 3)))
        }
        dlrun_value_release(output.value)
      }
    }
    try #require(results.count == 3)
    #expect(results[0] == results[1] && results[0] == results[2])

    // Cut off, it is refused with a reason.
    try bytes.dropLast(9).write(to: URL(fileURLWithPath: path))
    var session: OpaquePointer?
    #expect(dlrun_session_create(path, nil, &session) == DLRUN_MALFORMED)
    #expect(String(cString: dlrun_error_message()).contains("cut off"))
  }
}
