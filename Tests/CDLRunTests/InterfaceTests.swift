import CDLRun
import CDLRunHeader
import Foundation
import Testing

/// The C interface as a C program sees it, wrong use included.
@Suite struct InterfaceTests {
  static let models = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Models").path
  static let iris = models + "/iris.pb"

  private func message() -> String { String(cString: dlrun_error_message()) }

  private func session(
    _ options: UnsafePointer<dlrun_session_options>? = nil
  ) throws -> OpaquePointer {
    var session: OpaquePointer?
    try #require(dlrun_session_create(Self.iris, options, &session) == DLRUN_OK, "\(message())")
    return try #require(session)
  }
  private func initialised() -> dlrun_session_options {
    var o = dlrun_session_options()
    o.size = MemoryLayout<dlrun_session_options>.size
    o.optimization = DLRUN_OPTIMIZE_ALL
    return o
  }
  private func port(_ session: OpaquePointer, output: Bool = false) throws -> dlrun_port {
    var p = dlrun_port()
    p.size = MemoryLayout<dlrun_port>.size
    let status =
      output ? dlrun_session_output(session, 0, &p) : dlrun_session_input(session, 0, &p)
    try #require(status == DLRUN_OK)
    return p
  }
  /// One flower into memory of the caller.
  private func flower(_ x: inout [Float], _ body: (OpaquePointer) throws -> Void) throws {
    try x.withUnsafeMutableBytes { bytes in
      var value: OpaquePointer?
      let shape: [Int64] = [Int64(bytes.count / 16), 4]
      try #require(
        dlrun_value_borrow(
          DLRUN_FLOAT32, shape, 2, bytes.baseAddress, bytes.count, &value) == DLRUN_OK)
      defer { dlrun_value_release(value) }
      try body(try #require(value))
    }
  }

  @Test func describesAModel() throws {
    let s = try session()
    defer { dlrun_session_release(s) }
    let p = try port(s)
    #expect(p.kind == DLRUN_TENSOR && p.dtype == DLRUN_FLOAT32 && p.rank == 2)
    #expect(p.shape[0] == -1 && p.shape[1] == 4)
    #expect(!String(cString: p.symbols[0]!).isEmpty)
    var info = dlrun_model_info()
    info.size = MemoryLayout<dlrun_model_info>.size
    #expect(dlrun_session_model(s, &info) == DLRUN_OK)
    #expect(info.property_count > 0)
    var key: UnsafePointer<CChar>?
    var value: UnsafePointer<CChar>?
    #expect(dlrun_session_property(s, 0, &key, &value) == DLRUN_OK)
    #expect(dlrun_session_property(s, 1 << 20, &key, &value) == DLRUN_USAGE)
    #expect(String(cString: dlrun_version()) == "0.1.0")
    #expect(String(cString: dlrun_status_name(DLRUN_SHAPE)) == "shape")
    #expect(String(cString: dlrun_status_name(dlrun_status(rawValue: 99))) == "?")
  }

  @Test func runsByNameAndIntoMemoryOfTheCaller() throws {
    let s = try session()
    defer { dlrun_session_release(s) }
    let name = try port(s).name
    let outputName = try port(s, output: true).name
    var x: [Float] = [5.1, 3.5, 1.4, 0.2]
    try flower(&x) { input in
      var inputs: [OpaquePointer?] = [input]
      var names: [UnsafePointer<CChar>?] = [name]
      var outputNames: [UnsafePointer<CChar>?] = [outputName]
      var outputs: [OpaquePointer?] = [nil]
      #expect(
        dlrun_session_run(s, nil, &names, &inputs, 1, &outputNames, &outputs, 1) == DLRUN_OK,
        "\(message())")
      var data: UnsafeRawPointer?
      var bytes = 0
      #expect(dlrun_value_data(outputs[0], &data, &bytes) == DLRUN_OK)
      try #require(bytes == 12)
      let first = try #require(data).load(as: Float.self)
      #expect(first > 0.9)

      var y = [Float](repeating: 0, count: 3)
      y.withUnsafeMutableBytes { memory in
        var target: OpaquePointer?
        let shape: [Int64] = [1, 3]
        #expect(
          dlrun_value_borrow(DLRUN_FLOAT32, shape, 2, memory.baseAddress, 12, &target) == DLRUN_OK)
        var targets: [OpaquePointer?] = [target]
        #expect(dlrun_session_run(s, nil, nil, &inputs, 1, nil, &targets, 1) == DLRUN_OK)
        #expect(targets[0] == target)
        dlrun_value_release(target)
      }
      #expect(y[0] == first)
      dlrun_value_release(outputs[0])
    }
  }

  @Test func runsOnTensorsWithoutHandles() throws {
    let s = try session()
    defer { dlrun_session_release(s) }
    var x: [Float] = [5.1, 3.5, 1.4, 0.2, 6.7, 3.0, 5.2, 2.3]
    x.withUnsafeMutableBytes { memory in
      var input = dlrun_tensor()
      input.dtype = DLRUN_FLOAT32
      input.rank = 2
      input.shape.0 = 2
      input.shape.1 = 4
      input.data = memory.baseAddress
      input.size_bytes = memory.count
      var output = dlrun_tensor()
      #expect(dlrun_session_run_tensors(s, nil, &input, 1, nil, &output, 1) == DLRUN_OK)
      #expect(output.rank == 2 && output.shape.0 == 2 && output.shape.1 == 3)
      #expect(output.value != nil && output.size_bytes == 24)
      dlrun_value_release(output.value)

      // Memory that does not fit is passed over.
      var small: Float = 0
      withUnsafeMutableBytes(of: &small) { little in
        var other = dlrun_tensor()
        other.dtype = DLRUN_FLOAT32
        other.data = little.baseAddress
        other.size_bytes = 4
        #expect(dlrun_session_run_tensors(s, nil, &input, 1, nil, &other, 1) == DLRUN_OK)
        #expect(other.value != nil && other.shape.1 == 3)
        dlrun_value_release(other.value)
      }
      input.size_bytes = 3
      #expect(dlrun_session_run_tensors(s, nil, &input, 1, nil, &output, 1) == DLRUN_SHAPE)
      input.dtype = dlrun_dtype(rawValue: 77)
      #expect(dlrun_session_run_tensors(s, nil, &input, 1, nil, &output, 1) == DLRUN_DTYPE)
      #expect(dlrun_session_run_tensors(s, nil, nil, 1, nil, nil, 1) == DLRUN_USAGE)
      #expect(dlrun_session_run_tensors(s, nil, nil, 0, nil, nil, 0) == DLRUN_USAGE)
    }
  }

  @Test func wrongUseIsRefused() throws {
    var s: OpaquePointer?
    #expect(dlrun_session_create(nil, nil, &s) == DLRUN_USAGE)
    #expect(dlrun_session_create(Self.iris, nil, nil) == DLRUN_USAGE)
    #expect(dlrun_session_create("/nowhere/model.onnx", nil, &s) == DLRUN_INPUT_MISSING)
    #expect(message().contains("/nowhere/model.onnx"))
    let rubbish = [UInt8](repeating: 0xA5, count: 100)
    let status = dlrun_session_create_from_memory(rubbish, rubbish.count, nil, &s)
    #expect(status == DLRUN_MALFORMED || status == DLRUN_INVALID_MODEL)
    #expect(s == nil)
    var count = 0
    #expect(dlrun_session_input_count(nil, &count) == DLRUN_USAGE)
    #expect(dlrun_session_input_count(OpaquePointer(bitPattern: 0x1234), &count) == DLRUN_USAGE)

    var options = initialised()
    options.size = 1
    #expect(dlrun_session_create(Self.iris, &options, &s) == DLRUN_USAGE)
    options = initialised()
    options.threads = -1
    #expect(dlrun_session_create(Self.iris, &options, &s) == DLRUN_USAGE)
    options = initialised()
    options.optimization = dlrun_optimization(rawValue: 7)
    #expect(dlrun_session_create(Self.iris, &options, &s) == DLRUN_USAGE)
    options = initialised()
    options.max_memory_bytes = 1
    #expect(dlrun_session_create(Self.iris, &options, &s) == DLRUN_BUDGET)

    let session = try session()
    var run = dlrun_run_options()
    run.size = MemoryLayout<dlrun_run_options>.size
    run.seconds = .nan
    var x: [Float] = [1, 2, 3, 4]
    try flower(&x) { input in
      var inputs: [OpaquePointer?] = [input]
      var outputs: [OpaquePointer?] = [nil]
      #expect(
        dlrun_session_run(session, &run, nil, &inputs, 1, nil, &outputs, 1) == DLRUN_USAGE)
      #expect(dlrun_session_run(session, nil, nil, nil, 1, nil, &outputs, 1) == DLRUN_USAGE)
      #expect(dlrun_session_run(session, nil, nil, &inputs, 1, nil, nil, 1) == DLRUN_USAGE)
      #expect(dlrun_session_run(session, nil, nil, &inputs, 1, nil, &outputs, 9) == DLRUN_USAGE)
      "nobody".withCString { name in
        var names: [UnsafePointer<CChar>?] = [name]
        #expect(
          dlrun_session_run(session, nil, &names, &inputs, 1, nil, &outputs, 1) == DLRUN_USAGE)
        #expect(message().contains("nobody"))
        #expect(
          dlrun_session_run(session, nil, nil, &inputs, 1, &names, &outputs, 1) == DLRUN_USAGE)
      }
      // An output that the caller did not give the memory of.
      var copy: OpaquePointer?
      let shape: [Int64] = [1, 3]
      let zeros = [Float](repeating: 0, count: 3)
      #expect(dlrun_value_copy(DLRUN_FLOAT32, shape, 2, zeros, 12, &copy) == DLRUN_OK)
      outputs[0] = copy
      #expect(
        dlrun_session_run(session, nil, nil, &inputs, 1, nil, &outputs, 1) == DLRUN_USAGE)
      dlrun_value_release(copy)
      outputs[0] = nil

      dlrun_session_release(session)
      dlrun_session_release(session)
      #expect(dlrun_session_run(session, nil, nil, &inputs, 1, nil, &outputs, 1) == DLRUN_USAGE)
      #expect(message().contains("released"))
      // A handle of another kind.
      #expect(dlrun_session_input_count(input, &count) == DLRUN_USAGE)
    }
    dlrun_value_release(nil)
    dlrun_session_release(nil)
    dlrun_cancellation_release(nil)
  }

  @Test func wrongShapesAndTypesAreTold() throws {
    let s = try session()
    defer { dlrun_session_release(s) }
    let wide: [Int64] = [1, 5]
    let numbers = [Float](repeating: 1, count: 5)
    var value: OpaquePointer?
    #expect(dlrun_value_copy(DLRUN_FLOAT32, wide, 2, numbers, 20, &value) == DLRUN_OK)
    var inputs: [OpaquePointer?] = [value]
    var outputs: [OpaquePointer?] = [nil]
    #expect(dlrun_session_run(s, nil, nil, &inputs, 1, nil, &outputs, 1) == DLRUN_SHAPE)
    dlrun_value_release(value)
    let four: [Int64] = [1, 4]
    let doubles = [Double](repeating: 1, count: 4)
    #expect(dlrun_value_copy(DLRUN_FLOAT64, four, 2, doubles, 32, &value) == DLRUN_OK)
    inputs[0] = value
    #expect(dlrun_session_run(s, nil, nil, &inputs, 1, nil, &outputs, 1) == DLRUN_DTYPE)
    dlrun_value_release(value)
    let negative: [Int64] = [-1, 4]
    #expect(dlrun_value_copy(DLRUN_FLOAT32, negative, 2, numbers, 16, &value) == DLRUN_SHAPE)
    #expect(dlrun_value_copy(DLRUN_FLOAT32, four, 2, numbers, 15, &value) == DLRUN_SHAPE)
    #expect(dlrun_value_copy(DLRUN_FLOAT32, four, 99, numbers, 16, &value) == DLRUN_SHAPE)
    let huge: [Int64] = [1 << 40, 1 << 40]
    #expect(dlrun_value_copy(DLRUN_FLOAT32, huge, 2, numbers, 16, &value) != DLRUN_OK)
    #expect(dlrun_value_copy(DLRUN_FLOAT32, four, 2, nil, 16, &value) == DLRUN_USAGE)
    #expect(dlrun_value_copy(DLRUN_STRING, four, 2, numbers, 16, &value) == DLRUN_DTYPE)
  }

  @Test func containersAndStrings() throws {
    let shape: [Int64] = [2]
    var keys: OpaquePointer?
    let status = "a".withCString { a in
      "b\u{e9}".withCString { b in
        var texts: [UnsafePointer<CChar>?] = [a, b]
        return dlrun_value_strings(shape, 1, &texts, nil, &keys)
      }
    }
    #expect(status == DLRUN_OK)
    var text: UnsafePointer<CChar>?
    var length = 0
    #expect(dlrun_value_string(keys, 1, &text, &length) == DLRUN_OK)
    #expect(length == 3 && text.map { String(cString: $0) } == "b\u{e9}")
    #expect(dlrun_value_string(keys, 2, &text, &length) == DLRUN_USAGE)
    var data: UnsafeRawPointer?
    #expect(dlrun_value_data(keys, &data, &length) == DLRUN_DTYPE)
    var values: OpaquePointer?
    #expect(dlrun_value_copy(DLRUN_FLOAT32, shape, 1, [1, 2] as [Float], 8, &values) == DLRUN_OK)
    var map: OpaquePointer?
    #expect(dlrun_value_map(keys, values, &map) == DLRUN_OK)
    var list: OpaquePointer?
    var elements: [OpaquePointer?] = [map, keys]
    #expect(dlrun_value_sequence(&elements, 2, &list) == DLRUN_OK)
    for h in [keys, values, map] { dlrun_value_release(h) }
    var count = 0
    #expect(dlrun_value_count(list, &count) == DLRUN_OK && count == 2)
    var first: OpaquePointer?
    #expect(dlrun_value_element(list, 0, &first) == DLRUN_OK)
    var kind = DLRUN_TENSOR
    #expect(dlrun_value_kind(first, &kind) == DLRUN_OK && kind == DLRUN_MAP)
    #expect(dlrun_value_element(list, 2, &first) == DLRUN_USAGE)
    dlrun_value_release(first)
    dlrun_value_release(list)
  }

  @Test func adoptedMemoryIsGivenBackOnce() throws {
    let calls = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    calls.pointee = 0
    defer { calls.deallocate() }
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: 4)
    memory.initialize(repeating: 1, count: 4)
    defer { memory.deallocate() }
    let shape: [Int64] = [1, 4]
    var value: OpaquePointer?
    #expect(
      dlrun_value_adopt(
        DLRUN_FLOAT32, shape, 2, memory, 16,
        { $0?.assumingMemoryBound(to: Int.self).pointee += 1 }, calls, &value) == DLRUN_OK)
    #expect(calls.pointee == 0)
    dlrun_value_release(value)
    #expect(calls.pointee == 1)
  }

  @Test func cancellationEndsRuns() throws {
    let s = try session()
    defer { dlrun_session_release(s) }
    var cancellation: OpaquePointer?
    #expect(dlrun_cancellation_create(&cancellation) == DLRUN_OK)
    defer { dlrun_cancellation_release(cancellation) }
    var run = dlrun_run_options()
    run.size = MemoryLayout<dlrun_run_options>.size
    run.cancellation = cancellation
    run.seconds = 100
    var x: [Float] = [1, 2, 3, 4]
    try flower(&x) { input in
      var inputs: [OpaquePointer?] = [input]
      var outputs: [OpaquePointer?] = [nil]
      #expect(dlrun_session_run(s, &run, nil, &inputs, 1, nil, &outputs, 1) == DLRUN_OK)
      dlrun_value_release(outputs[0])
      outputs[0] = nil
      #expect(dlrun_cancellation_cancel(cancellation) == DLRUN_OK)
      #expect(
        dlrun_session_run(s, &run, nil, &inputs, 1, nil, &outputs, 1) == DLRUN_CANCELLED)
    }
  }

  @Test func manyThreadsShareASession() async throws {
    let s = UInt(bitPattern: try session())
    defer { dlrun_session_release(OpaquePointer(bitPattern: s)) }
    let results = await withTaskGroup(of: [Float].self) { group in
      for t in 0..<8 {
        group.addTask {
          var sums: [Float] = []
          for i in 0..<50 {
            var x: [Float] = [5.1, 3.5, 1.4, Float((t * 50 + i) % 7)]
            var y = [Float](repeating: 0, count: 3)
            x.withUnsafeMutableBytes { xs in
              y.withUnsafeMutableBytes { ys in
                var input = dlrun_tensor()
                input.dtype = DLRUN_FLOAT32
                input.rank = 2
                input.shape.0 = 1
                input.shape.1 = 4
                input.data = xs.baseAddress
                input.size_bytes = 16
                var output = input
                output.shape.1 = 3
                output.data = ys.baseAddress
                output.size_bytes = 12
                _ = dlrun_session_run_tensors(
                  OpaquePointer(bitPattern: s), nil, &input, 1, nil, &output, 1)
              }
            }
            sums.append(y[0] + y[1] + y[2])
          }
          return sums
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(results.count == 400 && results.allSatisfy { abs($0 - 1) < 1e-5 })
  }

  @Test func loggerAndAllocatorAreUsed() throws {
    final class Counts: @unchecked Sendable {
      var lines = 0
      var blocks = 0
    }
    let counts = Counts()
    var options = initialised()
    options.logger_context = Unmanaged.passUnretained(counts).toOpaque()
    options.logger = { context, _, text in
      guard let context, text != nil else { return }
      Unmanaged<Counts>.fromOpaque(context).takeUnretainedValue().lines += 1
    }
    options.allocator_context = options.logger_context
    options.allocate = { context, size, alignment in
      guard let context else { return nil }
      Unmanaged<Counts>.fromOpaque(context).takeUnretainedValue().blocks += 1
      return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
    }
    options.deallocate = { context, memory, _ in
      guard let context else { return }
      Unmanaged<Counts>.fromOpaque(context).takeUnretainedValue().blocks -= 1
      free(memory)
    }
    let s = try session(&options)
    var x: [Float] = [1, 2, 3, 4]
    try flower(&x) { input in
      var inputs: [OpaquePointer?] = [input]
      var outputs: [OpaquePointer?] = [nil]
      #expect(dlrun_session_run(s, nil, nil, &inputs, 1, nil, &outputs, 1) == DLRUN_OK)
      #expect(counts.blocks > 0)
      dlrun_value_release(outputs[0])
    }
    dlrun_session_release(s)
    #expect(counts.lines >= 3)
    #expect(counts.blocks == 0)
    options.deallocate = nil
    var other: OpaquePointer?
    #expect(dlrun_session_create(Self.iris, &options, &other) == DLRUN_USAGE)
  }
}
