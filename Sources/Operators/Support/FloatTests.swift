import Graphs
import Kernels
import Tensors

/// A test of floats that 8-bit kinds answer from a table of all their codes.
func prepareFloatTest(
  _ p: Preparation, _ op: UnaryOp, _ parameters: (Double, Double), _ test: (Float) -> Bool
) throws(EngineError) -> Prepared {
  let x = try p.input(0)
  let count = x.count
  if let kernel = UnaryKernel(op, x.dtype, parameters.0, parameters.1) {
    return Prepared(label: "\(op) \(x.dtype)") { m in
      kernel.run(count: count, m.inputs[0], m.outputs[0], m.pool)
    }
  }
  guard let format = NarrowFloat(x.dtype), x.dtype.bits == 8 else { throw p.noKernel() }
  let table: [Bool] = (0..<256).map { test(format.decode(UInt8($0))) }
  return Prepared(label: "\(op) table") { m in
    let (from, to) = (m.input(0, UInt8.self), m.output(0, Bool.self))
    table.withUnsafeBufferPointer { t in
      for i in 0..<count { to[i] = t[Int(from[i])] }
    }
  }
}
