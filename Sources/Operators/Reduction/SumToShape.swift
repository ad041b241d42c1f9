import Graphs
import Kernels
import Tensors

/// Sums over the axes along which a value of the shape of `like` was broadcast to that of `x`: the
/// gradient of broadcasting.
///
/// - `x`: float16, bfloat16, float32, float64. `like`: any dtype; its shape broadcasts to that of
///   `x`; its contents are not read.
/// - Output: the type of `x` and the shape of `like`.
/// - Errors: `.shape` when `like` does not broadcast to `x`, `.dtype` for other element types.
/// - Accuracy: sums in float64, in row-major order.
/// - Gradient: the upstream expanded to the shape of `x`.
/// - Source: domain ai.dlrun 1; Expand transposed.
public struct SumToShape: Operator {
  public static let schema = Schema(
    "SumToShape", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("x", .floats), Parameter("like", .all, "")],
    outputs: [Parameter("y", .floats)], isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [
        .init(SumToShape(), [x, try Tensor([0, 0, 0] as [Float])]),
        .init(SumToShape(), [x, try Tensor(shape: [2, 1], [0, 0] as [Float])]),
        .init(SumToShape(), [x, try Tensor(scalar: Float(0))]),
        .init(SumToShape(), [x, x]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let (x, like) = (c.dims(0), c.dims(1))
    if let x, let like {
      for (i, d) in like.reversed().enumerated() {
        guard let n = d.known, n != 1 else { continue }
        let there = i < x.count ? x[x.count - 1 - i].known : 0
        if let there, there != n {
          throw EngineError(
            .shape, "the second input does not broadcast to the first", expected: "\(x)",
            received: "\(like)")
        }
      }
    }
    return [Fact(c.dtype(0), like)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    let plan = try BroadcastPlan(output: x.shape, inputs: Few(y.shape))
    let (count, bytes) = (y.count, y.byteCount)
    if x.count == count && count > 0 {
      return Prepared(inPlace: 1, label: "copy") { m in
        m.outputs[0].copyMemory(from: m.inputs[0], byteCount: bytes)
      }
    }
    let trailing = y.shape.array.drop { $0 == 1 }
    if x.dtype == .float32, !trailing.isEmpty, x.count > 0,
      trailing.elementsEqual(x.shape.array.suffix(trailing.count))
    {
      let sums = ColumnSums(rows: x.count / count, columns: count)
      return Prepared(label: "sum of columns") { m in
        sums.run(
          UnsafePointer(m.inputs[0].assumingMemoryBound(to: Float.self)), into: m.output(0),
          pool: m.pool)
      }
    }
    guard let widen = CastKernel(x.dtype, .float64), let narrow = CastKernel(.float64, y.dtype)
    else { throw p.noKernel() }
    let size = x.dtype.byteSize
    // A row of the input as float64, then the sums.
    let tile = 512
    let sumsAt = tile * 8
    return Prepared(scratchBytes: sumsAt + count * 8, label: "sum to shape") { m in
      let row = m.scratch.assumingMemoryBound(to: Double.self)
      let sums = (m.scratch + sumsAt).assumingMemoryBound(to: Double.self)
      for i in 0..<count { sums[i] = 0 }
      let from = UnsafeRawPointer(m.inputs[0])
      let step = plan.stride(0)
      for piece in 0..<plan.pieces {
        plan.forEachRun(piece: piece) { at, to, _, _, n in
          var done = 0
          while done < n {
            let k = min(tile, n - done)
            widen.run(count: k, from + (at + done) * size, row)
            if step == 1 {
              for i in 0..<k { sums[to + done + i] += row[i] }
            } else {
              var s = 0.0
              for i in 0..<k { s += row[i] }
              sums[to] += s
            }
            done += k
          }
        }
      }
      narrow.run(count: count, sums, m.outputs[0])
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(0, try b.apply(Expand(), g.upstream(), b.apply(ShapeOp(), g.input(0))))
  }
}
