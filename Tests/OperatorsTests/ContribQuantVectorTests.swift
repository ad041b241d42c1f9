import Graphs
import Operators
import TestSupport
import Tensors
import Testing

/// Quantised and fused operators of com.microsoft against onnxruntime's kernels.
@Suite struct ContribQuantVectorTests {
  static let vectors: [Vector] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return (try? Vector.read("/\(folder)/Vectors/contrib-quant.txt")) ?? []
  }()

  @Test func vectorsAreThere() { #expect(Self.vectors.count > 250) }

  /// Codes are equal, all of them; real numbers as sums of another order allow.
  @Test(arguments: vectors) func gives(_ v: Vector) throws {
    let got = try v.run()
    #expect(got.count == v.outputs.count)
    for (i, (g, want)) in zip(got, v.outputs).enumerated() {
      guard let want else { continue }
      let g = try #require(g)
      let isHalf = want.dtype == .float16
      let found = difference(g, want, rtol: isHalf ? 2e-3 : 1e-5, atol: isHalf ? 2e-3 : 1e-5)
      #expect(found == nil, "output \(i): \(found ?? "")")
    }
  }
}
