import Kernels
import Tensors
import Testing

/// Two inputs of which one has a short run that is the same many times over, against element by element.
@Suite struct RepeatedRunsTests {
  @Test(arguments: [
    [[3, 7, 9, 16], [3, 1, 1, 16]], [[1, 5, 100, 12], [5, 1, 12]], [[4, 1, 8], [4, 50, 8]],
    [[2, 40, 3], [3]], [[2, 3, 1000, 33], [1, 3, 1, 33]], [[4, 17], [2, 6, 4, 17]],
    [[300, 128], [128]],
  ]) func elementByElement(shapes: [[Int]]) throws {
    let (a, b) = (Shape(shapes[0]), Shape(shapes[1]))
    let rank = max(a.rank, b.rank)
    func size(_ s: Shape, _ axis: Int) -> Int {
      axis + s.rank >= rank ? s[axis + s.rank - rank] : 1
    }
    let y = Shape(rank: rank) { max(size(a, $0), size(b, $0)) }
    let plan = try BroadcastPlan(output: y, inputs: Few(a, b))
    let x = (0..<a.count).map { Float(($0 * 37) % 101) - 50 }
    let z = (0..<b.count).map { Float(($0 * 53) % 89) / 4 + 1 }
    for op in [BinaryOp.sub, .mul, .less] {
      let kernel = try #require(BinaryKernel(op, .float32))
      var got = [Float](repeating: 9, count: y.count)
      var flags = [UInt8](repeating: 9, count: y.count)
      for threads in [1, 2] {
        let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
        if op == .less {
          kernel.run(plan, x, z, &flags, pool)
        } else {
          kernel.run(plan, x, z, &got, pool)
        }
        plan.forEachElement { at, i, j, _ in
          switch op {
          case .sub: #expect(got[at] == x[i] - z[j])
          case .mul: #expect(got[at] == x[i] * z[j])
          default: #expect(flags[at] == (x[i] < z[j] ? 1 : 0))
          }
        }
      }
    }
  }
}
