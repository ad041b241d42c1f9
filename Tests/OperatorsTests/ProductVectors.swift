import Graphs
import Kernels
import Operators
import TestSupport
import Tensors
import Testing

/// The vectors that tools/oracle/product_vectors.py wrote with onnxruntime 1.32.
enum ProductVectors {
  static let all: [Vector] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return (try? Vector.read("/\(folder)/Vectors/products.txt")) ?? []
  }()
  static func of(_ type: String) -> [Vector] { all.filter { $0.type == type } }

  /// Runs a case with all inputs variable, and with a constant second input (as weights are) on
  /// one thread and on three.
  static func check(_ v: Vector) throws {
    let want = try #require(v.outputs.first ?? nil)
    let half = want.dtype == .float16
    let (rtol, atol) = half ? (2e-3, 2e-3) : (1e-5, 1e-5)
    let eager = try #require(try v.run().first ?? nil)
    #expect(difference(eager, want, rtol: rtol, atol: atol) == nil)
    let node = Graph.Node(
      type: v.type, attributes: v.attributes,
      inputs: v.inputs.indices.map { v.inputs[$0] == nil ? nil : ValueID($0) },
      outputs: [ValueID(v.inputs.count)])
    let op = try Registry.make(node, opset: v.opset)
    for threads in [1, 3] {
      let got = try run(op, v.inputs, constants: [1], threads: threads)
      #expect(difference(got, want, rtol: rtol, atol: atol) == nil, "\(threads) threads")
    }
  }

  /// Runs a prepared operator; inputs at `constants` are known when it is prepared.
  static func run(
    _ op: any Operator, _ inputs: [Tensor?], constants: Set<Int> = [], threads: Int = 1
  ) throws -> Tensor {
    let facts = inputs.map { $0.map { Fact($0.type) } }
    let type = try #require(try op.infer(Inference(inputs: facts)).first?.tensorType)
    let prepared = try op.prepare(
      Preparation(
        inputs: inputs.map { $0?.type }, outputs: [type],
        constants: inputs.indices.map { constants.contains($0) ? inputs[$0] : nil },
        options: .init(threads: threads)))
    let scratch = try Storage(TensorType(.uint8, [prepared.scratchBytes]))
    let out = try Storage(type)
    let addresses = inputs.map { $0?.storage.bytes ?? Storage.empty }
    var outputs = [out.bytes]
    let pool = ThreadPool(threads: threads)
    try addresses.withUnsafeBufferPointer { list in
      let base = try #require(list.baseAddress)
      try withUnsafePointer(to: &outputs[0]) {
        try prepared.run(
          Memory(
            inputs: base, outputs: $0, scratch: scratch.bytes, pool: pool))
      }
    }
    withExtendedLifetime((inputs, scratch, pool)) {}
    return Tensor(out)
  }

  /// Numbers in -1...1 that repeat late.
  static func wave(_ shape: Shape, _ step: Int = 7) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.count).map { Float(($0 * step) % 31) / 15 - 1 })
  }

  /// The code of the error that inference gives for these shapes of float32.
  static func fault(_ op: any Operator, _ shapes: [Int]?...) -> EngineError.Code? {
    do throws(EngineError) {
      _ = try op.infer(
        Inference(inputs: shapes.map { $0.map { Fact(.float32, $0.map { Dim($0) }) } }))
      return nil
    } catch { return error.code }
  }
}
