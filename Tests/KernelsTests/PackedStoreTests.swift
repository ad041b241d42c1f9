import Tensors
import Testing

@testable import Kernels

/// Packed forms that leave a store and come back into another.
@Suite struct PackedStoreTests {
  private func numbers(_ count: Int) throws -> Tensor {
    try Tensor((0..<count).map { Float(($0 * 7919) % 1009) - 504 })
  }
  private func factor(
    _ store: PackedStore, _ source: Tensor, _ n: Int, _ k: Int
  ) throws(EngineError) -> PackedMatrix {
    try store.packed(source, as: "right \(n)x\(k)") { (space) throws(EngineError) in
      try MatrixProduct.pack(.right, count: n, k: k, source, across: 1, along: n, space: space)
    }
  }
  /// A copy that lies as a file's part does.
  private func copy(_ t: Tensor) throws -> Tensor {
    try Tensor(t.type) { (bytes) throws(EngineError) in
      bytes.copyBytes(from: t.rawBytes)
    }
  }

  @Test func formsComeBackWithoutPacking() throws {
    let (n, k) = (300, 200)
    let weights = try numbers(n * k)
    let first = PackedStore()
    let packed = try factor(first, weights, n, k)
    #expect(try factor(first, weights, n, k) === packed)
    #expect(first.madeCount == 1)
    let named = first.named([try numbers(3), weights])
    #expect(named.map(\.name) == [.init(constant: 1, form: "right 300x200")])

    let ready = try named.map { (name: $0.name, bytes: try copy($0.bytes)) }
    // Other sources: what lies in the store is used, and they are never read.
    let sources = [try numbers(3), Tensor(try Storage(weights.type))]
    let second = PackedStore(constants: sources, ready: ready)
    let found = try factor(second, sources[1], n, k)
    #expect(second.madeCount == 0)
    #expect(found.bytes == ready[0].bytes.storage.bytes)
    #expect(found.packedBytes.rawBytes.elementsEqual(packed.packedBytes.rawBytes))
  }

  @Test func formsOfFormsHaveNames() throws {
    let weights = try numbers(64 * 32)
    func run(_ store: PackedStore, _ source: Tensor) throws -> PackedMatrix {
      let wide = try store.packed(source, as: "twice") { (space) throws(EngineError) in
        try space.storage(source.type) { storage in
          let to = storage.bytes.assumingMemoryBound(to: Float.self)
          for (i, x) in source.elements(Float.self).enumerated() { to[i] = 2 * x }
        }
      }
      return try factor(store, Tensor(wide), 64, 32)
    }
    let first = PackedStore()
    let packed = try run(first, weights)
    let named = first.named([weights])
    #expect(named.map(\.name.form) == ["twice", "twice / right 64x32"])
    let second = PackedStore(constants: [weights], ready: named)
    let found = try run(second, weights)
    #expect(second.madeCount == 0)
    #expect(found.packedBytes.rawBytes.elementsEqual(packed.packedBytes.rawBytes))
  }

  @Test func aFormOfAnotherSizeIsRefused() throws {
    let weights = try numbers(64 * 32)
    for count in [0, 64, 64 * 32 * 4 - 1, 64 * 32 * 4 + 64] {
      let bytes = Tensor(try Storage(TensorType(.uint8, [count])))
      let store = PackedStore(
        constants: [weights],
        ready: [(name: .init(constant: 0, form: "right 64x32"), bytes: bytes)])
      #expect {
        _ = try factor(store, weights, 64, 32)
      } throws: {
        ($0 as? EngineError)?.code == .malformed
      }
    }
  }

  @Test func threadsPackTheSameBytes() throws {
    let store = PackedStore(pool: ThreadPool(threads: 2))
    let weights = try numbers(1 << 16)
    var forms: [PackedMatrix] = []
    for n in [1 << 9, 1 << 10, 1 << 8, 1 << 12] {
      forms.append(try factor(store, weights, n, (1 << 16) / n))
    }
    for form in forms {
      #expect(UInt(bitPattern: form.bytes) % 64 == 0)
      let plain = try PackedMatrix(
        .right, count: form.count, k: form.k, from: UnsafeRawPointer(weights.storage.bytes),
        across: 1, along: form.count)
      #expect(plain.packedBytes.rawBytes.elementsEqual(form.packedBytes.rawBytes))
    }
  }
}
