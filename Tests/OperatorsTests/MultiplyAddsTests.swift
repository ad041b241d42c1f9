import Graphs
import Operators
import Testing

@Suite struct MultiplyAddsTests {
  private let n = Dim(symbol: "N")

  @Test func products() {
    #expect(MatMul().multiplyAdds(inputs: [[n, 3], [3, 5]], outputs: [[n, 5]]) == n * 15)
    #expect(MatMul().multiplyAdds(inputs: [nil, [3, 5]], outputs: [nil]) == nil)
    let gemm = Gemm(transA: true, transB: true)
    #expect(gemm.multiplyAdds(inputs: [[3, n], [5, 3], nil], outputs: [[n, 5]]) == n * 15)
    #expect(gemm.multiplyAdds(inputs: [nil, [5, 3], nil], outputs: [[n, 5]]) == n * 15)
  }

  @Test func convolutions() throws {
    // 3x3 taps of 4 channels a group for each of 8 x 6 x 6 outputs.
    let cost = Conv(group: 2).multiplyAdds(
      inputs: [[n, 8, 8, 8], [8, 4, 3, 3]], outputs: [[n, 8, 6, 6]])
    #expect(cost == n * Dim(8 * 6 * 6 * 4 * 9))
    // Each of 4 x 5 x 5 inputs goes into 6 channels through 2x2 taps.
    let transposed = ConvTranspose().multiplyAdds(
      inputs: [[1, 4, 5, 5], [4, 6, 2, 2]], outputs: [[1, 6, 6, 6]])
    #expect(transposed == Dim(4 * 25 * 6 * 4))
  }

  @Test func layers() throws {
    let lstm = try LSTM(
      reading: AttributeReader("LSTM", opset: 22, attributes: [.int("hidden_size", 3)]))
    // 7 steps of N sequences through four gates of 3, from 2 inputs and 3 states.
    let cost = lstm.multiplyAdds(
      inputs: [[7, n, 2], [1, 12, 2], [1, 12, 3]], outputs: [[7, 1, n, 3]])
    #expect(cost == n * Dim(7 * 12 * 5))
  }

  @Test func attention() {
    // 2 heads, 3 queries, 5 keys after 4 of the past; widths 4 and 6.
    let cost = Attention().multiplyAdds(
      inputs: [[n, 2, 3, 4], [n, 2, 5, 4], [n, 2, 5, 6], nil, [n, 2, 4, 4], [n, 2, 4, 6]],
      outputs: [[n, 2, 3, 6]])
    #expect(cost == n * Dim(2 * 3 * 9 * (4 + 6)))
  }

  @Test func sumsOfProducts() throws {
    let one = try Einsum("ij->ji")
    #expect(one.multiplyAdds(inputs: [[n, 3]], outputs: [[3, n]]) == 0)
    let two = try Einsum("ij,jk->ik")
    #expect(two.multiplyAdds(inputs: [[n, 3], [3, 5]], outputs: [[n, 5]]) == n * 15)
    let three = try Einsum("ij,jk,kl->il")
    #expect(
      three.multiplyAdds(inputs: [[2, 3], [3, n], [n, 7]], outputs: [[2, 7]])
        == n * Dim(2 * 3 + 2 * 7))
  }

  @Test func othersDoNone() {
    #expect(Relu().multiplyAdds(inputs: [nil], outputs: [nil]) == 0)
  }
}
