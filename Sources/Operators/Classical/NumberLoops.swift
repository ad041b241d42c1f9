import Graphs
import Kernels
import Tensors

/// A loop over the elements of one of the number types of ai.onnx.ml.
protocol NumberLoop: Sendable {
  func run<T: Numeral>(
    _ range: Range<Int>, _ x: UnsafePointer<T>, _ y: UnsafeMutableRawPointer)
}

/// A kernel that runs `loop` over pieces of `count` elements of `dtype`.
///
/// Errors: `.dtype` for other types than float32, float64, int32 and int64.
func prepareNumbers(
  _ dtype: DType, count: Int, inPlace: Bool, _ loop: some NumberLoop
) throws(EngineError) -> Prepared {
  func kernel<T: Numeral>(_: T.Type) -> Prepared {
    Prepared(inPlace: inPlace ? 1 : 0) { m in
      let step = BroadcastPlan.pieceElements
      let (x, y) = (m.input(0, T.self), m.outputs[0])
      m.pool.run((count + step - 1) / step) { piece in
        loop.run(piece * step..<min(count, (piece + 1) * step), x, y)
      }
    }
  }
  switch dtype {
  case .float32: return kernel(Float.self)
  case .float64: return kernel(Double.self)
  case .int32: return kernel(Int32.self)
  case .int64: return kernel(Int64.self)
  default:
    throw EngineError(.dtype, "no kernel for these element types", received: "\(dtype)")
  }
}
