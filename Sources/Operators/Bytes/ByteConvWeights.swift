import Graphs
import Kernels
import Tensors

/// The constant weights of a convolution of bytes as its kernels read them, and their sums.
struct ByteConvWeights {
  let panels: BytePanels
  let filter: ByteFilter
  private let total: Storage

  /// Of each output's weights, then of its positive ones. They live as long as this.
  var sums: UnsafePointer<Int32> {
    UnsafeRawPointer(total.bytes).assumingMemoryBound(to: Int32.self)
  }

  /// - `image`: `[N, H, W, C]`; `weights`: int8 `[M, C / group, kh, kw]`.
  init(
    _ conv: Conv, image: Shape, _ weights: Tensor, _ p: Preparation,
    panels layout: (ConvGeometry) -> BytePanels
  ) throws(EngineError) {
    let w = weights.shape
    let (m, part) = (w[0], w[1])
    let settled = try conv.window.concrete(
      inputSpatial: [image[1], image[2]], kernel: [w[2], w[3]])
    let panels = layout(
      ConvGeometry(
        batch: image[0], groups: conv.group, channels: part, outputs: m / conv.group,
        input: settled.input, output: settled.output, kernel: settled.kernel,
        strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin))
    defer { withExtendedLifetime(weights) {} }
    let from = UnsafeRawPointer(weights.storage.bytes).assumingMemoryBound(to: Int8.self)
    self.panels = panels
    filter = try p.packed(weights, as: panels.form) { (space) throws(EngineError) in
      try ByteFilter(panels, source: from, space: space)
    }
    total = try p.packed(weights, as: "byte sums, positive sums") { (space) throws(EngineError) in
      try ByteFilter.sums(from, outputs: m, count: part * w[2] * w[3], space: space)
    }
  }
}

extension Operator {
  /// The result, of `type`, by the kernel that `prepare` makes of inputs known only in the run.
  func evaluatePrepared(_ e: Evaluation, _ type: DType) throws(EngineError) -> [Value?] {
    var t: [Tensor?] = []
    for input in e.inputs { t.append(try input?.asTensor()) }
    let facts = t.map { $0.map { Fact($0.dtype, $0.shape.array.map { Dim($0) }) } }
    guard let dims = try infer(Inference(inputs: facts)).first?.dims else {
      throw EngineError(.arity, "an input is missing")
    }
    let y = Tensor(try Storage(TensorType(type, Shape(dims.map { $0.known ?? 0 }))))
    let p = Preparation(
      inputs: t.map { $0?.type }, outputs: [y.type], constants: t, options: e.options)
    let kernel = try prepare(p)
    guard kernel.kind == .kernel else { throw p.noKernel() }
    let scratch = Tensor(try Storage(TensorType(.uint8, [kernel.scratchBytes])))
    let pointers = t.map { $0?.storage.bytes ?? Storage.empty } + [y.storage.bytes]
    try pointers.span.withUnsafeBufferPointer { (list) throws(EngineError) in
      // One pointer at least is never no pointer.
      guard let base = list.baseAddress else { return }
      try kernel.run(
        Memory(
          inputs: base, outputs: base + t.count, scratch: scratch.storage.bytes, pool: e.pool))
    }
    withExtendedLifetime((t, y, scratch)) {}
    return [.tensor(y)]
  }
}
