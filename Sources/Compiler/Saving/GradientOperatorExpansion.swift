import Graphs
import Operators
import Tensors

// The gradients of convolutions and windows in standard operators: each is a convolution again.
// Nil where sizes that decide pads are open.

/// Sizes along the spatial axes of an input and its windows.
private struct Sliding {
  let settled: Window.Concrete
  /// The pad behind each axis up to the end of the last window, and what lies behind that.
  let behind: [Int]
  let unread: [Int]

  init?(_ window: Window, input: [Dim]?, kernel: [Dim]?) {
    guard let input, let kernel else { return nil }
    let (n, k) = (input.compactMap(\.known), kernel.compactMap(\.known))
    guard n.count == input.count, k.count == kernel.count,
      let settled = try? window.concrete(inputSpatial: n, kernel: k)
    else { return nil }
    self.settled = settled
    let rest = n.indices.map { i in
      (settled.output[i] - 1) * settled.strides[i] + (k[i] - 1) * settled.dilations[i] + 1 - n[i]
        - settled.padsBegin[i]
    }
    behind = rest.map { max(0, $0) }
    unread = rest.map { max(0, -$0) }
  }

  /// The convolution with every pad written out.
  var window: Window {
    Window(
      strides: settled.strides, dilations: settled.dilations, padsBegin: settled.padsBegin,
      padsEnd: behind)
  }
}

extension ConvInputGradient {
  func expand(_ b: GraphBuilder, _ inputs: [ValueID?]) throws(EngineError) -> ValueID? {
    guard inputs.count == 3, let dy = inputs[0], let w = inputs[1], let x = inputs[2],
      let s = Sliding(
        window, input: b.fact(of: x).dims.map { Array($0.dropFirst(2)) },
        kernel: b.fact(of: w).dims.map { Array($0.dropFirst(2)) })
    else { return nil }
    return try b.apply(
      ConvTranspose(window: s.window, group: group, outputPadding: s.unread), dy, w)
  }
}

extension ConvWeightGradient {
  /// A convolution whose batch are channels and whose channels are images: strides and dilations
  /// change places.
  func expand(_ b: GraphBuilder, _ inputs: [ValueID?]) throws(EngineError) -> ValueID? {
    guard inputs.count == 3, let x = inputs[0], let dy = inputs[1], let w = inputs[2],
      let image = b.fact(of: x).dims, let weights = b.fact(of: w).tensorType?.shape,
      let batch = image[0].known,
      let s = Sliding(
        window, input: Array(image.dropFirst(2)),
        kernel: weights.array.dropFirst(2).map { Dim($0) })
    else { return nil }
    let axes = image.count - 2
    let rest = Array(2..<axes + 2)
    func reshape(_ v: ValueID, _ sizes: [Int]) throws(EngineError) -> ValueID {
      try b.apply(Reshape(), v, b.constant(Tensor(sizes.map { Int64($0) })))
    }
    // [N, G C, ...] to [C, G N, ...].
    let apart = try reshape(x, [batch, group, weights[1]] + s.settled.input)
    let turned = try b.apply(Transpose(perm: [2, 1, 0] + rest.map { $0 + 1 }), apart)
    let images = try reshape(turned, [weights[1], group * batch] + s.settled.input)
    let filters = try b.apply(Transpose(perm: [1, 0] + rest), dy)
    let swapped = Window(
      strides: s.settled.dilations, dilations: s.settled.strides, padsBegin: s.settled.padsBegin,
      padsEnd: s.behind)
    let whole = try b.apply(Conv(window: swapped, group: group), images, filters)
    // What lies behind the last window may have made more taps than there are.
    func list(_ values: [Int]) throws(EngineError) -> ValueID {
      try b.constant(Tensor(values.map { Int64($0) }))
    }
    let cut = try b.apply(
      Slice(),
      inputs: [
        whole, try list(rest.map { _ in 0 }), try list(s.settled.kernel), try list(rest),
      ])
    return try b.apply(Transpose(perm: [1, 0] + rest), cut)
  }
}

extension WindowSum {
  func expand(_ b: GraphBuilder, _ inputs: [ValueID?]) throws(EngineError) -> ValueID? {
    guard inputs.count == 1, let x = inputs[0],
      let s = Sliding(
        window, input: b.fact(of: x).dims.map { Array($0.dropFirst(2)) },
        kernel: window.kernel.map { Dim($0) }),
      let planes = try planes(b, x, s.settled.input, kernel: s.settled.kernel)
    else { return nil }
    let y = try b.apply(Conv(window: s.window), planes.x, planes.ones)
    return try restored(b, y, like: x, s.settled.output)
  }
}

extension WindowSpread {
  func expand(_ b: GraphBuilder, _ inputs: [ValueID?]) throws(EngineError) -> ValueID? {
    guard inputs.count == 2, let y = inputs[0], let x = inputs[1],
      let s = Sliding(
        window, input: b.fact(of: x).dims.map { Array($0.dropFirst(2)) },
        kernel: window.kernel.map { Dim($0) }),
      let planes = try planes(b, y, s.settled.output, kernel: s.settled.kernel)
    else { return nil }
    let dx = try b.apply(
      ConvTranspose(window: s.window, outputPadding: s.unread), planes.x, planes.ones)
    return try restored(b, dx, like: x, s.settled.input)
  }
}

/// Each plane as an image of its own, and a kernel of ones.
private func planes(
  _ b: GraphBuilder, _ x: ValueID, _ sizes: [Int], kernel: [Int]
) throws(EngineError) -> (x: ValueID, ones: ValueID)? {
  guard let dtype = b.fact(of: x).dtype else { return nil }
  let shape = Shape([1, 1] + kernel)
  let ones: Tensor
  switch dtype {
  case .float32: ones = try Tensor(shape: shape, [Float](repeating: 1, count: shape.count))
  case .float64: ones = try Tensor(shape: shape, [Double](repeating: 1, count: shape.count))
  default: return nil
  }
  let flat = try b.constant(Tensor(([-1, 1] + sizes).map { Int64($0) }))
  return (try b.apply(Reshape(), x, flat), try b.constant(ones))
}

/// Planes as images of the batch and channels of `like`.
private func restored(
  _ b: GraphBuilder, _ y: ValueID, like: ValueID, _ sizes: [Int]
) throws(EngineError) -> ValueID {
  let head = try b.apply(ShapeOp(start: 0, end: 2), like)
  let shape = try b.apply(
    Concat(axis: 0), inputs: [head, try b.constant(Tensor(sizes.map { Int64($0) }))])
  return try b.apply(Reshape(), y, shape)
}
