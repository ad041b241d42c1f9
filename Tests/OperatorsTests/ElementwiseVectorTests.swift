import Operators
import TestSupport
import Tensors
import Testing

/// Elementwise operators against onnx's reference evaluator (onnx 1.23.2, numpy 2.4.6, ml_dtypes
/// 0.6.0); tools/oracle/elementwise_vectors.py writes the file.
@Suite struct ElementwiseVectorTests {
  static let vectors: [Vector] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return (try? Vector.read("/\(folder)/Vectors/elementwise.txt")) ?? []
  }()

  @Test func vectorsAreThere() { #expect(Self.vectors.count > 800) }

  @Test(arguments: vectors) func gives(_ v: Vector) throws {
    let got = try #require(try v.run().first ?? nil)
    let want = try #require(v.outputs.first ?? nil)
    let rtol =
      switch want.dtype {
      case .float64: 1e-12
      case .float16: 2e-3
      case .bfloat16: 1.6e-2
      default: 2e-6
      }
    // Near zero the reference itself cancels: its GELU and Mish subtract numbers of the size of 1.
    let atol = want.dtype == .float64 ? 1e-13 : want.dtype == .float32 ? 3e-7 : 1e-3
    let found = difference(got, want, rtol: rtol, atol: atol)
    #expect(found == nil, "\(v.name): \(found ?? "")")
  }
}
