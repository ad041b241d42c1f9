import Graphs
import Tensors
import Testing

@testable import Converters

@Suite struct TorchPromotionTests {
  private func promoted(
    _ tensors: [(DType, Int)] = [], numbers: [DType] = []
  ) -> DType {
    var promotion = TorchPromotion()
    for (dtype, rank) in tensors { promotion.add(dtype, rank: rank) }
    for dtype in numbers { promotion.add(number: dtype) }
    return promotion.result
  }

  @Test func classesDecideByCategory() {
    #expect(promoted([(.int32, 2)], numbers: [.int64]) == .int32)
    #expect(promoted([(.int32, 2)], numbers: [.float32]) == .float32)
    #expect(promoted([(.float16, 2)], numbers: [.float32]) == .float16)
    #expect(promoted([(.float32, 2), (.float64, 0)]) == .float32)
    #expect(promoted([(.int32, 2), (.float64, 0)]) == .float64)
    #expect(promoted([(.bool, 1)], numbers: [.int64]) == .int64)
    #expect(promoted([(.uint8, 1), (.int64, 0)]) == .uint8)
    #expect(promoted([(.float32, 1), (.float64, 1)]) == .float64)
  }

  @Test func theLatticeIsPyTorchs() {
    for (a, b, c) in [
      (DType.uint8, DType.int8, DType.int16), (.uint8, .int16, .int16), (.int8, .int64, .int64),
      (.bool, .uint8, .uint8), (.float16, .bfloat16, .float32), (.float16, .int64, .float16),
      (.bfloat16, .float32, .float32), (.float64, .float32, .float64),
      (.complex64, .float64, .complex128), (.complex64, .int64, .complex64),
    ] {
      #expect(TorchPromotion.promoted(a, b) == c && TorchPromotion.promoted(b, a) == c)
    }
  }

  @Test func sizesAreRead() {
    let s = Dim(symbol: "s0")
    #expect(SymbolExpression.dim("Symbol('s0', positive=True, integer=True)") == s)
    #expect(SymbolExpression.dim("Mul(Integer(2), Symbol('s0'))") == s * 2)
    #expect(SymbolExpression.dim("2*s0 + 1") == s * 2 + 1)
    #expect(SymbolExpression.dim("Add(Symbol('s0'), Integer(-3))") == s - 3)
    #expect(SymbolExpression.dim("FloorDiv(Mul(Integer(4), Symbol('s0')), Integer(2))") == s * 2)
    #expect(SymbolExpression.dim("17") == 17)
    // Unknown forms stay equal to themselves.
    #expect(SymbolExpression.dim("Weird(s0)") == SymbolExpression.dim("Weird(s0)"))
    #expect(SymbolExpression.dim(String(repeating: "(", count: 10_000)).known == nil)
    #expect(SymbolExpression.dim("99999999999999999999").known == nil)
  }
}
