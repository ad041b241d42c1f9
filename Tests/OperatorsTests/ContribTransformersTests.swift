import Graphs
import Operators
import TestSupport
import Tensors
import Testing

/// The transformer operators of com.microsoft against ONNX Runtime's CPU kernels.
@Suite struct ContribTransformersTests {
  static let vectors: [Vector] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return (try? Vector.read("/\(folder)/Vectors/contrib-transformers.txt")) ?? []
  }()

  @Test func vectorsAreThere() { #expect(Self.vectors.count > 180) }

  @Test(arguments: vectors) func gives(_ v: Vector) throws {
    let got = try v.run()
    #expect(got.count == v.outputs.count)
    for (i, (g, want)) in zip(got, v.outputs).enumerated() {
      guard let want else { continue }
      let g = try #require(g)
      let isHalf = want.dtype == .float16
      let found = difference(
        g, try filled(want, from: g), rtol: isHalf ? 4e-3 : 2e-5, atol: isHalf ? 2e-3 : 2e-6)
      #expect(found == nil, "output \(i): \(found ?? "")")
    }
  }

  /// Elements that ONNX Runtime leaves undefined are NaN in the vectors: those of `got` count.
  private func filled(_ want: Tensor, from got: Tensor) throws -> Tensor {
    guard want.type == got.type else { return want }
    if want.dtype == .float16 {
      let (a, b) = (Array(want.elements(Float16.self)), Array(got.elements(Float16.self)))
      return try Tensor(shape: want.shape, zip(a, b).map { $0.isNaN ? $1 : $0 })
    }
    guard want.dtype == .float32 else { return want }
    let (a, b) = (Array(want.elements(Float.self)), Array(got.elements(Float.self)))
    return try Tensor(shape: want.shape, zip(a, b).map { $0.isNaN ? $1 : $0 })
  }
}
