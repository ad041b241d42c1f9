import Tensors
import Testing

@Suite struct TensorSharingTests {
  @Test func sharesTheArraysMemory() throws {
    let values: [Float] = [1, 2, 3, 4]
    let t = try Tensor(shape: [2, 2], sharing: values)
    let place = values.withUnsafeBytes { $0.baseAddress }
    #expect(t.withUnsafeBytes { $0.baseAddress } == place)
    #expect(t.type == TensorType(.float32, [2, 2]))
    let copy = try Tensor(shape: [2, 2], values)
    #expect(copy.withUnsafeBytes { $0.baseAddress } != place)
  }

  @Test func changesOfTheArrayAreNotSeen() throws {
    var values: [Int64] = [1, 2]
    let t = try Tensor(shape: [2], sharing: values)
    values[0] = 9
    #expect(try t.values(as: Int64.self) == [1, 2])
  }

  @Test func outlivesTheArray() throws {
    func make() throws -> Tensor {
      try Tensor(shape: [1000], sharing: (0..<1000).map { Float($0) })
    }
    let tensors = try (0..<20).map { _ in try make() }
    for t in tensors { #expect(t.elements(Float.self).elementsEqual((0..<1000).map { Float($0) })) }
  }

  @Test func emptyArrays() throws {
    #expect(try Tensor(shape: [0, 3], sharing: [Float]()).values(as: Float.self) == [])
  }
}
