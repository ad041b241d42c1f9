import CDLRun
import CDLRunHeader
import Dispatch
import Testing

/// Runs of tensors of the same types again and again, which the session keeps a plan bound for.
@Suite struct QuickRunTests {
  private func session() throws -> OpaquePointer {
    var session: OpaquePointer?
    try #require(dlrun_session_create(InterfaceTests.iris, nil, &session) == DLRUN_OK)
    return try #require(session)
  }

  private func tensor(
    _ dtype: dlrun_dtype, _ shape: [Int64], _ bytes: UnsafeMutableRawBufferPointer
  ) -> dlrun_tensor {
    var t = dlrun_tensor()
    t.dtype = dtype
    t.rank = UInt32(shape.count)
    t.shape.0 = shape[0]
    if shape.count > 1 { t.shape.1 = shape[1] }
    t.data = bytes.baseAddress
    t.size_bytes = bytes.count
    return t
  }

  private struct Result: Equatable {
    var probabilities: [Float]
    var labels: [Int64]
  }

  /// Both outputs for `rows` flowers, in memory of the caller; nil where a run failed.
  private func run(_ s: OpaquePointer, _ x: inout [Float], rows: Int) -> Result? {
    var y = [Float](repeating: .nan, count: rows * 3)
    var labels = [Int64](repeating: -1, count: rows)
    let isFine = x.withUnsafeMutableBytes { x in
      y.withUnsafeMutableBytes { y in
        labels.withUnsafeMutableBytes { labels in
          var input = tensor(DLRUN_FLOAT32, [Int64(rows), 4], x)
          var outputs = [
            tensor(DLRUN_FLOAT32, [Int64(rows), 3], y),
            tensor(DLRUN_INT64, [Int64(rows)], labels),
          ]
          return dlrun_session_run_tensors(s, nil, &input, 1, nil, &outputs, 2) == DLRUN_OK
            && outputs[0].value == nil && outputs[0].data == y.baseAddress
            && outputs[1].value == nil && outputs[1].data == labels.baseAddress
        }
      }
    }
    return isFine ? Result(probabilities: y, labels: labels) : nil
  }

  private func flowers(_ rows: Int, _ seed: Int) -> [Float] {
    (0..<rows * 4).map { Float(($0 &* 37 &+ seed &* 11) % 50) * 0.13 }
  }

  @Test func sameResultsInEveryRun() throws {
    let s = try session()
    defer { dlrun_session_release(s) }
    for rows in [1, 3, 1, 1, 7] {
      for seed in 0..<5 {
        var x = flowers(rows, seed)
        // A session of its own has no plan from before.
        let fresh = try session()
        let wanted = try #require(run(fresh, &x, rows: rows))
        dlrun_session_release(fresh)
        #expect(run(s, &x, rows: rows) == wanted)
      }
    }
  }

  @Test func otherTypesAreStillRefused() throws {
    let s = try session()
    defer { dlrun_session_release(s) }
    var x = flowers(2, 1)
    let wanted = try #require(run(s, &x, rows: 2))
    for _ in 0..<3 { #expect(run(s, &x, rows: 2) == wanted) }
    var y = [Float](repeating: 0, count: 6)
    var labels: [Int64] = [0, 0]
    x.withUnsafeMutableBytes { x in
      y.withUnsafeMutableBytes { y in
        labels.withUnsafeMutableBytes { labels in
          var outputs = [tensor(DLRUN_FLOAT32, [2, 3], y), tensor(DLRUN_INT64, [2], labels)]
          var input = tensor(DLRUN_INT32, [2, 4], x)
          #expect(dlrun_session_run_tensors(s, nil, &input, 1, nil, &outputs, 2) == DLRUN_DTYPE)
          input = tensor(DLRUN_FLOAT32, [4, 2], x)
          #expect(dlrun_session_run_tensors(s, nil, &input, 1, nil, &outputs, 2) == DLRUN_SHAPE)
          // Memory for another shape: the result comes in memory of its own.
          input = tensor(DLRUN_FLOAT32, [2, 4], x)
          outputs[0] = tensor(DLRUN_FLOAT32, [3, 2], y)
          #expect(dlrun_session_run_tensors(s, nil, &input, 1, nil, &outputs, 2) == DLRUN_OK)
          #expect(outputs[0].value != nil)
          #expect(outputs[0].shape.0 == 2 && outputs[0].shape.1 == 3)
          dlrun_value_release(outputs[0].value)
        }
      }
    }
    #expect(run(s, &x, rows: 2) == wanted)
  }

  @Test func manyThreadsAtOnce() throws {
    let s = try session()
    defer { dlrun_session_release(s) }
    var wanted: [Result] = []
    for seed in 0..<8 {
      var x = flowers(1 + seed % 3, seed)
      wanted.append(try #require(run(s, &x, rows: 1 + seed % 3)))
    }
    let all = wanted
    nonisolated(unsafe) let shared = s
    DispatchQueue.concurrentPerform(iterations: 8) { seed in
      var x = flowers(1 + seed % 3, seed)
      for _ in 0..<500 {
        let found = run(shared, &x, rows: 1 + seed % 3)
        if found != all[seed] {
          Issue.record("a run gave \(String(describing: found)), not \(all[seed])")
          return
        }
      }
    }
  }
}
