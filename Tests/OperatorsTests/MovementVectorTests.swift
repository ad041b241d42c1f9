import Graphs
import Operators
import TestSupport
import Tensors
import Testing

/// Operators that move elements against the ONNX backend suite and onnx's reference evaluator.
@Suite struct MovementVectorTests {
  static let vectors: [Vector] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return (try? Vector.read("/\(folder)/Vectors/movement.txt")) ?? []
  }()

  @Test func vectorsAreThere() { #expect(Self.vectors.count > 320) }

  @Test(arguments: vectors) func gives(_ v: Vector) throws {
    let got = try v.run()
    #expect(got.count == v.outputs.count)
    for (i, (g, want)) in zip(got, v.outputs).enumerated() {
      guard let want else { continue }
      let g = try #require(g)
      // The reference computes in float64; one float16 ulp is 1e-3.
      let rtol = want.dtype == .float16 ? 1e-3 : 1e-4
      #expect(
        difference(g, want, rtol: rtol, atol: 1e-5) == nil, "output \(i): \(g.type) \(want.type)")
    }
  }
}
