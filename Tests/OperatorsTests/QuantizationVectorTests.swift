import Graphs
import Operators
import TestSupport
import Tensors
import Testing

/// Quantised arithmetic, losses and their neighbours against onnx's reference evaluator.
@Suite struct QuantizationVectorTests {
  static let vectors: [Vector] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return (try? Vector.read("/\(folder)/Vectors/quantization.txt")) ?? []
  }()

  @Test func vectorsAreThere() { #expect(Self.vectors.count > 180) }

  @Test(arguments: vectors) func gives(_ v: Vector) throws {
    let got = try v.run()
    #expect(got.count == v.outputs.count)
    for (i, (g, want)) in zip(got, v.outputs).enumerated() {
      guard let want else { continue }
      let g = try #require(g)
      // One float16 ulp is 1e-3.
      let rtol = want.dtype == .float16 ? 1e-3 : 1e-5
      let found = difference(g, want, rtol: rtol, atol: 1e-6)
      #expect(found == nil, "output \(i): \(found ?? "")")
    }
  }
}
