import Graphs
import Tensors
import Testing

@testable import Formats

@Suite struct TensorRuleTests {
  func refusal(_ tensor: Wire) -> String {
    complaint(modelMessage(graphMessage(initializers: [tensor])))
  }

  @Test func sizesAreChecked() {
    #expect(
      refusal(tensorMessage(dims: [-1]) { _ in })
        == "invalidModel: initializer 'w': the tensor has a negative size")
    let huge = [Int64](repeating: 1 << 20, count: 4)
    #expect(
      refusal(tensorMessage(dims: huge) { _ in })
        == "shape: initializer 'w': shape \(huge) has more elements than memory can address")
    // A zero among the sizes does not hide the overflow.
    #expect(refusal(tensorMessage(dims: huge + [0]) { _ in }).hasPrefix("shape: "))
    #expect(refusal(tensorMessage(dims: [.max]) { _ in }).hasPrefix("shape: "))
    #expect(
      refusal(tensorMessage(dims: [Int64](repeating: 1, count: 9)) { _ in })
        == "shape: initializer 'w': the rank is too high")
  }

  @Test func hugeTensorsAskForNoMemory() {
    // 8 TiB declared, 4 bytes there.
    #expect(
      refusal(tensorMessage(dims: [1 << 41]) { $0.bytes(9, [0, 0, 0, 0]) })
        == "invalidModel: initializer 'w': raw_data has the wrong length for float32[2199023255552]"
    )
    #expect(
      refusal(tensorMessage(dims: [1 << 41]) { $0.bytes(4, [0, 0, 0, 0]) })
        .hasPrefix("invalidModel: initializer 'w': float_data has the wrong number"))
    #expect(
      refusal(tensorMessage(dims: [1 << 41], type: 8) { $0.bytes(6, [0]) })
        .hasPrefix("invalidModel: initializer 'w': string_data has the wrong number"))
  }

  @Test(arguments: [0, 7, 9, 8192]) func rawDataHasTheExactLength(length: Int) {
    let bytes = [UInt8](repeating: 0, count: length)
    #expect(
      refusal(tensorMessage { $0.bytes(9, bytes) })
        == "invalidModel: initializer 'w': raw_data has the wrong length for float32[2]")
  }

  @Test func missingDataIsRefused() {
    #expect(
      refusal(tensorMessage { _ in })
        == "invalidModel: initializer 'w': float_data has the wrong number of elements for float32[2]"
    )
  }

  @Test func elementTypesAreKnown() {
    #expect(
      refusal(tensorMessage(type: 0) { _ in })
        == "invalidModel: initializer 'w': the tensor has no element type")
    #expect(
      refusal(tensorMessage(type: 27) { _ in })
        == "invalidModel: initializer 'w': int32_data has the wrong number of elements for float6e2m3[2]"
    )
    #expect(
      refusal(tensorMessage(type: 99) { _ in })
        == "invalidModel: initializer 'w': the element type is unknown")
    #expect(refusal(tensorMessage(type: -1) { _ in }).hasSuffix("the element type is unknown"))
  }

  @Test func dataIsInOneField() {
    let both = tensorMessage { w in
      w.bytes(4, [UInt8](repeating: 0, count: 8))
      w.bytes(9, [UInt8](repeating: 0, count: 8))
    }
    #expect(
      refusal(both) == "invalidModel: initializer 'w': the tensor has data in several fields")
    #expect(
      refusal(tensorMessage(dims: [0]) { $0.bytes(9, [0]) })
        == "invalidModel: initializer 'w': a tensor without elements has data")
    #expect(
      refusal(tensorMessage(type: 8) { $0.bytes(9, [0, 0]) })
        == "invalidModel: initializer 'w': strings are in the wrong field")
    // int32_data is no field of float32.
    #expect(refusal(tensorMessage { $0.bytes(5, [0, 0]) }).hasPrefix("invalidModel: "))
  }

  @Test(
    arguments: [
      (3, [127, 128]), (3, [-129, 0]), (2, [0, 256]), (2, [-1, 0]), (5, [32768, 0]),
      (4, [0, 65536]),
      (9, [0, 2]), (10, [0, 65536]), (16, [-1, 0]), (17, [256, 0]),
    ] as [(Int64, [Int64])])
  func narrowTypesHaveTheirRange(type: Int64, values: [Int64]) {
    let tensor = tensorMessage(type: type) { w in for v in values { w.int(5, v) } }
    #expect(refusal(tensor).contains("of int32_data does not fit"))
  }

  @Test func uint32HasItsRange() {
    let tensor = tensorMessage(type: 12) { w in for v in [0, 1 << 32] as [Int64] { w.int(11, v) } }
    #expect(
      refusal(tensor)
        == "invalidModel: initializer 'w': element 1 of uint64_data does not fit uint32")
  }

  @Test func boolsAreZeroOrOne() {
    #expect(
      refusal(tensorMessage(type: 9) { $0.bytes(9, [1, 2]) })
        == "invalidModel: initializer 'w': a bool is neither 0 nor 1")
  }

  @Test func stringsAreUTF8() {
    #expect(
      refusal(tensorMessage(dims: [1], type: 8) { $0.bytes(6, [0xFF]) })
        == "invalidModel: initializer 'w': element 0 of string_data is not UTF-8")
  }

  @Test func packedTypesRoundUp() throws {
    let model = try read(
      modelMessage(
        graphMessage(initializers: [tensorMessage(dims: [3], type: 22) { $0.bytes(9, [0x21, 3]) }]))
    )
    #expect(Array(model.graph.initializers[0].tensor.rawBytes) == [0x21, 3])
    #expect(
      refusal(tensorMessage(dims: [3], type: 22) { $0.bytes(9, [0x21]) }).contains("raw_data"))
  }

  @Test func segmentsAndPlacesAreRefused() {
    #expect(
      refusal(tensorMessage { $0.message(3, wire { $0.int(1, 0) }) })
        == "unsupported: initializer 'w': the tensor is stored in segments")
    #expect(
      refusal(tensorMessage { $0.int(14, 7) })
        == "invalidModel: initializer 'w': data_location is illegal")
    #expect(refusal(tensorMessage { $0.int(14, 1) }).hasPrefix("unsupported: initializer 'w': "))
  }

  func sparse(_ indices: [Int64], _ shape: [Int64], dims: [Int64] = [2, 3], values: Int64 = 2)
    -> String
  {
    let w = wire { s in
      s.message(
        1, tensorMessage("s", dims: [values]) { t in for _ in 0..<values { t.float(4, 1) } })
      s.message(
        2, tensorMessage("i", dims: shape, type: 7) { t in for i in indices { t.int(7, i) } })
      for d in dims { s.int(3, d) }
    }
    return complaint(modelMessage(graphMessage { $0.message(15, w) }))
  }

  @Test func sparseTensorsAreChecked() {
    let place = "invalidModel: sparse initializer 's': "
    #expect(sparse([0, 5], [2]) == "accepted")
    #expect(sparse([0, 1, 1, 2], [2, 2]) == "accepted")
    #expect(sparse([0, 6], [2]) == place + "sparse index 1 is out of range")
    #expect(sparse([-1, 5], [2]) == place + "sparse index 0 is out of range")
    #expect(sparse([0, 1, 2, 0], [2, 2]) == place + "sparse index 1 is out of range on axis 0")
    #expect(sparse([5, 0], [2]) == place + "sparse index 1 is not after the one before it")
    #expect(sparse([1, 1], [2]) == place + "sparse index 1 is not after the one before it")
    #expect(sparse([0], [1]) == place + "sparse indices have the wrong shape")
    #expect(sparse([0, 5], [2], dims: []) == place + "a sparse tensor has no sizes")
    #expect(sparse([0, 5], [2], dims: [1 << 40, 1 << 40]).contains("more elements than memory"))
  }
}
