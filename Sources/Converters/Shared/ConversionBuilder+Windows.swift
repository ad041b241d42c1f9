import Graphs
import Operators
import Tensors

extension ConversionBuilder {
  /// A value in which channels stand second, whatever the source's order.
  func first(_ x: ValueID, _ isFirst: Bool) throws(EngineError) -> ValueID {
    isFirst ? x : try channelsFirst(x)
  }
  /// A result in the source's order.
  func last(_ x: ValueID, _ isFirst: Bool) throws(EngineError) -> ValueID {
    isFirst ? x : try channelsLast(x)
  }

  /// A weight with its axes in another order: a weight again where it is known.
  func arranged(_ w: ValueID, _ perm: [Int], _ shape: [Int]? = nil) throws(EngineError) -> ValueID {
    if let t = fact(of: w).constant, t.count > 4096 {
      var made = try Eager().apply(Transpose(perm: perm), t)
      if let shape { made = try made.reshaped(try Shape(checking: shape)) }
      // Weights of a mapped file are read once; what was touched need not stay.
      t.storage.releasePages()
      let name = graph.values[w.index].name
      return weight(name.isEmpty ? scope + "/weight" : name, made)
    }
    let turned = try transpose(w, perm)
    guard let shape else { return turned }
    return try reshape(turned, shape)
  }

  /// The known sizes of a weight.
  ///
  /// Errors: `.unsupported` where they depend on data.
  func sizes(_ w: ValueID) throws(EngineError) -> [Int] {
    guard let type = fact(of: w).tensorType else {
      throw EngineError(.unsupported, "the sizes of a weight are not known")
    }
    return type.shape.array
  }

  /// A convolution of `x`, in which channels stand second, with `w` of `[O, I / groups, k...]`.
  func convolution(
    _ x: ValueID, _ w: ValueID, _ bias: ValueID? = nil, _ window: SpatialWindow
  ) throws(EngineError) -> ValueID {
    let kernel = try sizes(w)
    guard kernel.count >= 3, try rank(x) == kernel.count else {
      throw EngineError(
        .invalidModel, "the filter does not fit the input", expected: "rank \(kernel.count)",
        received: dims(x).map { "\($0)" })
    }
    guard let channels = dims(x)?[1].known else {
      throw EngineError(.unsupported, "the number of channels is not known")
    }
    guard kernel[1] > 0, channels % kernel[1] == 0 else {
      throw EngineError(
        .invalidModel, "the filter does not fit the channels", expected: "a divisor of \(channels)",
        received: "\(kernel[1])")
    }
    let spatial = Array(kernel[2...])
    return try onnx(
      "Conv", [x, w, bias].dropLastNil(),
      try window.attributes(spatial, dims(x).map { Array($0[2...]) })
        + [.int("group", channels / kernel[1])])
  }

  /// The transposed convolution that has `output` sizes along the spatial axes; `w` is
  /// `[I, O, k...]`. Sizes that are not numbers must be the input's times the stride.
  func transposedConvolution(
    _ x: ValueID, _ w: ValueID, _ bias: ValueID? = nil, _ window: SpatialWindow, output: [Dim]?,
    groups: Int = 1
  ) throws(EngineError) -> ValueID {
    let kernel = Array(try sizes(w).dropFirst(2))
    try window.check(kernel.count)
    guard let sizes = dims(x).map({ Array($0.dropFirst(2)) }), sizes.count == kernel.count,
      output.map({ $0.count == kernel.count }) ?? true
    else { throw EngineError(.invalidModel, "the filter does not fit the input") }
    var (begin, end, more): ([Int], [Int], [Int]) = ([], [], [])
    for (i, k) in kernel.enumerated() {
      guard let reach = SpatialWindow.reach(k, window.dilations[i]) else {
        throw EngineError(.invalidModel, "the filter is too large")
      }
      // What the input reaches without padding, less what is wanted.
      let stride = window.strides[i]
      let whole = (sizes[i] - 1) * Dim(stride) + Dim(reach)
      var surplus: Int
      if let wanted = output?[i] {
        guard let n = (whole - wanted).known else {
          throw EngineError(
            .unsupported, "the sizes of a transposed convolution depend on data",
            received: "\(wanted) from \(sizes[i])")
        }
        surplus = n
      } else {
        surplus = if case .same = window.padding { reach - stride } else { 0 }
      }
      switch window.padding {
      case .explicit(let b, let e):
        begin.append(b[i])
        end.append(e[i])
        surplus -= b[i] + e[i]
      case .same, .valid:
        let pad = max(0, surplus)
        begin.append(pad / 2)
        end.append(pad - pad / 2)
        surplus -= pad
      }
      guard surplus <= 0, -surplus < stride else {
        throw EngineError(
          .invalidModel, "the sizes of a transposed convolution do not fit its input",
          received: "\(output.map { "\($0[i])" } ?? "?") from \(sizes[i])")
      }
      more.append(-surplus)
    }
    return try onnx(
      "ConvTranspose", [x, w, bias].dropLastNil(),
      [
        .ints("kernel_shape", kernel), .ints("strides", window.strides),
        .ints("dilations", window.dilations), .ints("pads", begin + end),
        .ints("output_padding", more), .int("group", groups),
      ])
  }

  /// The maximum or average of windows of `x`, in which channels stand second.
  func pool(
    _ x: ValueID, _ kernel: [Int], _ window: SpatialWindow, isMaximum: Bool
  ) throws(EngineError) -> ValueID {
    guard try rank(x) == kernel.count + 2, kernel.allSatisfy({ $0 >= 1 }) else {
      throw EngineError(.invalidModel, "the window does not fit the input", received: "\(kernel)")
    }
    return try onnx(
      isMaximum ? "MaxPool" : "AveragePool", [x],
      try window.attributes(kernel, dims(x).map { Array($0[2...]) }))
  }
}
