import Graphs
import Kernels
import Tensors

// What the pooling operators share.

/// `[N, C, D1...]` after the window: dims of the output.
///
/// Errors: `.shape` for a rank below 3.
func pooledDims(_ c: Inference, _ window: Window) throws(EngineError) -> [Dim]? {
  guard let x = c.dims(0) else { return nil }
  guard x.count >= 3 else { throw poolRank("\(x)") }
  return Array(x[..<2]) + (try window.outputDims(input: Array(x[2...])))
}

func poolRank(_ received: String) -> EngineError {
  EngineError(
    .shape, "the input has no spatial axes", expected: "[N, C, D1, ...]", received: received)
}

/// The kernel for an input of `shape` under `window`.
func poolKernel(
  _ kind: PoolKernel.Kind, _ window: Window, _ shape: Shape
) throws(EngineError) -> PoolKernel {
  try PoolKernel(
    kind, planes: shape.rank < 2 ? 1 : shape[0] * shape[1], axes: poolAxes(window, shape))
}

/// The numbers of `window` along each spatial axis of an input of `shape`.
///
/// Errors: `.shape` for a rank below 3 or a window that does not fit.
func poolAxes(_ window: Window, _ shape: Shape) throws(EngineError) -> [PoolKernel.Axis] {
  guard shape.rank >= 3 else { throw poolRank("\(shape)") }
  let w = try window.concrete(inputSpatial: Array(shape.array[2...]))
  var axes: [PoolKernel.Axis] = []
  for i in 0..<w.input.count {
    axes.append(
      PoolKernel.Axis(
        kernel: w.kernel[i], stride: w.strides[i], dilation: w.dilations[i],
        padBegin: w.padsBegin[i], padEnd: w.padsEnd[i], input: w.input[i], output: w.output[i]))
  }
  return axes
}

/// The attributes every pooling operator has.
let poolSpecs =
  Window.specs + [
    AttributeSpec("ceil_mode", .int, "1: a window that only partly fits counts; default 0")
  ]

/// `[1, 2, 5, 6]` with distinct elements.
func poolExample() throws(EngineError) -> Tensor {
  try Tensor(shape: [1, 2, 5, 6], (0..<60).map { Float(($0 * 37) % 60) * 0.25 - 4 })
}
