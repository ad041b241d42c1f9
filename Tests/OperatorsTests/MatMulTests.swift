import Graphs
import Operators
import TestSupport
import Tensors
import Testing

@Suite struct MatMulTests {
  @Test func vectorsAreThere() { #expect(ProductVectors.of("MatMul").count == 19) }
  @Test(arguments: ProductVectors.of("MatMul")) func gives(_ v: Vector) throws {
    try ProductVectors.check(v)
  }

  /// Products of identity-like factors, so that sizes beyond one tile, one panel and one depth
  /// have results that can be read off.
  @Test(arguments: [DType.float32, .float64, .float16, .bfloat16, .int32, .uint32, .int64, .uint64])
  func largerSizes(_ dtype: DType) throws {
    let (m, k, n) = (30, 600, 70)
    let cast = Cast(to: dtype)
    // Row i of A has a 2 at column 17 i; row r of B is r mod 50 + j mod 3.
    let a = try Tensor(
      shape: [m, k], (0..<m * k).map { Float($0 % k == $0 / k * 17 ? 2 : 0) })
    let b = try Tensor(shape: [k, n], (0..<k * n).map { Float($0 / n % 50 + $0 % n % 3) })
    let want = try Tensor(
      shape: [m, n], (0..<m * n).map { Float(2 * ($0 / n * 17 % 50 + $0 % n % 3)) })
    let eager = Eager()
    let inputs = [try eager.apply(cast, a), try eager.apply(cast, b)]
    for constants in [Set<Int>(), [1]] {
      for threads in [1, 2] {
        let got = try ProductVectors.run(
          MatMul(), inputs, constants: constants, threads: threads)
        #expect(difference(got, try eager.apply(cast, want)) == nil)
      }
    }
  }

  @Test func faultsHaveTheirCodes() {
    #expect(ProductVectors.fault(MatMul(), [2, 3], [4, 2]) == .shape)
    #expect(ProductVectors.fault(MatMul(), [], [4, 2]) == .shape)
    #expect(ProductVectors.fault(MatMul(), [2, 3, 4], [3, 4, 5]) == .shape)
    #expect(ProductVectors.fault(MatMul(), [2, 3, 4], [1, 4, 5]) == nil)
  }
}
