import Graphs
import Operators
import TestSupport
import Tensors
import Testing

@Suite struct GemmTests {
  @Test func vectorsAreThere() { #expect(ProductVectors.of("Gemm").count == 15) }
  @Test(arguments: ProductVectors.of("Gemm")) func gives(_ v: Vector) throws {
    try ProductVectors.check(v)
  }

  @Test func integersTakeFactors() throws {
    let a = try Tensor(shape: [1, 2], [3, 5] as [Int32])
    let b = try Tensor(shape: [2, 2], [1, -2, 1, -1] as [Int32])
    let c = try Tensor(shape: [2], [1, 10] as [Int32])
    let plain = try ProductVectors.run(Gemm(), [a, b, c])
    #expect(try plain.values(as: Int32.self) == [9, -1])
    // 0.5 * 8 + 1.5 = 5.5 and 0.5 * -11 + 15 = 9.5, rounded towards zero.
    let scaled = try ProductVectors.run(Gemm(alpha: 0.5, beta: 1.5), [a, b, c])
    #expect(try scaled.values(as: Int32.self) == [5, 9])
  }

  @Test func betaZeroIgnoresNotANumber() throws {
    let one = try Tensor(shape: [1, 1], [2] as [Float])
    let y = try ProductVectors.run(
      Gemm(beta: 0), [one, one, try Tensor(shape: [1, 1], [Float.nan])])
    #expect(try y.values(as: Float.self) == [4])
  }

  @Test func faultsHaveTheirCodes() {
    #expect(ProductVectors.fault(Gemm(), [2, 3], [4, 2]) == .shape)
    #expect(ProductVectors.fault(Gemm(transB: true), [2, 3], [4, 3]) == nil)
    #expect(ProductVectors.fault(Gemm(), [2, 3, 1], [3, 2]) == .shape)
    #expect(ProductVectors.fault(Gemm(), [2, 3], [3, 4], [2]) == .shape)
    #expect(ProductVectors.fault(Gemm(), [2, 3], [3, 4], [1, 2, 4]) == .shape)
    #expect(ProductVectors.fault(Gemm(), [1, 3], [3, 4], [2, 4]) == .shape)
  }
}
