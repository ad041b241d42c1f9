import Graphs
import Kernels
import Operators
import TestSupport
import Tensors
import Testing

/// What kernels promise of memory: results written over inputs, bytes only moved, alignment.
@Suite struct MemoryPromiseTests {
  static let names = EveryOperatorTests.names

  /// A kernel with what it was prepared for.
  private struct Bound {
    let call: Call
    let inputs: [Tensor?]

    /// Runs the kernel with result 0 at `first` (nil: memory of its own), inputs at `shift` bytes
    /// behind an aligned address; the bytes of result 0.
    func run(over input: Int? = nil, shift: Int = 0, pool: ThreadPool = .single) throws -> [UInt8] {
      var kept: [Storage] = []
      func memory(_ bytes: Int) throws -> UnsafeMutableRawPointer {
        kept.append(try Storage(TensorType(.uint8, [bytes + 128])))
        return kept[kept.count - 1].bytes + shift
      }
      var addresses: [UnsafeMutableRawPointer] = []
      for t in inputs {
        guard let t else {
          addresses.append(Storage.empty)
          continue
        }
        let copy = try memory(t.byteCount)
        copy.copyMemory(from: t.storage.bytes, byteCount: t.byteCount)
        addresses.append(copy)
      }
      for (k, type) in call.outputs.enumerated() {
        if k == 0, let input {
          addresses.append(addresses[input])
        } else {
          addresses.append(try memory(type?.byteCount ?? 0))
        }
      }
      let scratch = try Storage(TensorType(.uint8, [call.prepared.scratchBytes + 64]))
      try addresses.withUnsafeBufferPointer { p in
        guard let base = p.baseAddress else { return }
        try call.prepared.run(
          Memory(
            inputs: base, outputs: base + inputs.count, scratch: scratch.bytes, pool: pool))
      }
      let bytes = UnsafeRawBufferPointer(
        start: addresses[inputs.count], count: call.outputs[0]?.byteCount ?? 0)
      defer { withExtendedLifetime((kept, scratch)) {} }
      return Array(bytes)
    }
  }

  private func bound(_ op: any Operator, _ inputs: [Tensor?], _ outputs: Int, threads: Int = 1)
    throws -> Bound?
  {
    guard
      let call = try Call(
        dynamic: op, inputs.map { $0.map { .tensor($0) } }, outputs: outputs,
        options: .init(threads: threads), lasting: inputs.indices.map { $0 > 0 }),
      call.prepared.kind == .kernel
    else { return nil }
    return Bound(call: call, inputs: inputs)
  }

  private func cases(_ key: String) throws -> [Schema.Case] {
    let parts = key.split(separator: ":", omittingEmptySubsequences: false)
    let type = try #require(Registry.find(domain: String(parts[0]), name: String(parts[1])))
    return type.schema.isDeterministic ? try type.schema.cases() : []
  }

  @Test(arguments: names) func inPlaceGivesTheSameBits(_ key: String) throws {
    for c in try cases(key) {
      guard let kernel = try bound(c.op, c.inputs, c.outputCount) else { continue }
      let want = try kernel.run()
      for i in c.inputs.indices where kernel.call.prepared.inPlace >> UInt64(i) & 1 == 1 {
        guard c.inputs[i]?.byteCount == want.count else { continue }
        #expect(try kernel.run(over: i) == want, "\(key) over input \(i)")
      }
    }
  }

  @Test(arguments: names) func movedBytesLieWhereTheKernelSays(_ key: String) throws {
    for c in try cases(key) {
      guard let kernel = try bound(c.op, c.inputs, c.outputCount) else { continue }
      switch kernel.call.prepared.movement {
      case .none: continue
      case .parts(let offsets):
        let source = try #require(c.inputs[0]).rawBytes.map { $0 }
        let results = try kernel.call.run(
          c.inputs.map { $0.map { .tensor($0) } },
          Evaluation(
            inputs: [], captured: [], outputCount: c.outputCount, pool: .single, options: .init(),
            runner: nil))
        for (offset, r) in zip(offsets, results) {
          let part = try #require(r).asTensor().rawBytes.map { $0 }
          #expect(part == Array(source[offset..<offset + part.count]), "\(key)")
        }
      case .whole(let offsets):
        let whole = try kernel.run()
        var covered = 0
        for (offset, t) in zip(offsets, c.inputs) {
          let part = try #require(t).rawBytes.map { $0 }
          #expect(part == Array(whole[offset..<offset + part.count]), "\(key)")
          covered += part.count
        }
        #expect(covered == whole.count)
      }
    }
  }

  /// Parts of a value start anywhere.
  @Test(arguments: names) func memoryNeedNotBeAligned(_ key: String) throws {
    for c in try cases(key) {
      guard let kernel = try bound(c.op, c.inputs, c.outputCount) else { continue }
      let want = try kernel.run()
      for shift in [8, 40] { #expect(try kernel.run(shift: shift) == want, "\(key) at \(shift)") }
    }
  }

  /// Blocked convolutions of many forms add a residual that lies where they write.
  @Test(arguments: [1, 2]) func residualsInBlocks(threads: Int) throws {
    let pool = ThreadPool(threads: threads)
    let block = BlockedLayout.best.block
    for (channels, size, kernel, stride) in [
      (32, 27, 3, 1), (32, 12, 3, 1), (64, 7, 3, 1), (32, 15, 1, 1), (48, 9, 5, 1), (32, 13, 3, 2),
      (40, 30, 3, 1), (32, 8, 2, 1),
    ] {
      for isDepthwise in [false, true] where !isDepthwise || kernel > 2 {
        let out = (size + 2 * (kernel / 2) - kernel) / stride + 1
        let conv = Conv(
          window: Window(
            strides: [stride, stride], padsBegin: [kernel / 2, kernel / 2],
            padsEnd: [kernel / 2, kernel / 2]), group: isDepthwise ? channels : 1)
        func image(_ n: Int) throws -> Tensor {
          let t = try Tensor(
            shape: [1, channels, n, n],
            (0..<channels * n * n).map { Float(($0 * 31) % 97) / 64 - 0.7 })
          return try Eager().apply(ToBlocked(block: block), t)
        }
        let part = isDepthwise ? 1 : channels
        let w = try Tensor(
          shape: [channels, part, kernel, kernel],
          (0..<channels * part * kernel * kernel).map { Float(($0 * 7) % 31) / 128 - 0.1 })
        for name in ["Relu", "Sigmoid"] {
          let op = BlockedConv(conv, try FusedActivation(name), block: block)
          let inputs: [Tensor?] = [try image(size), w, nil, try image(out)]
          let kernel = try #require(try bound(op, inputs, 1, threads: threads))
          guard kernel.call.prepared.inPlace != 0 else { continue }
          let want = try kernel.run(pool: pool)
          #expect(
            try kernel.run(over: 3, pool: pool) == want, "\(kernel.call.prepared.label) \(size)")
        }
      }
    }
  }
}
