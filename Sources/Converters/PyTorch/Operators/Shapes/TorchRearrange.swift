import Graphs
import Operators
import Tensors

/// Elements in another order.
enum TorchRearrange {
  static let operators: [TorchOperator] = [
    .one("aten.flip.default") { (c) throws(EngineError) in
      var x = try c.x()
      let rank = try c.rank(x)
      for dim in try c.ints("dims") ?? [] {
        x = try c.sliced(
          x, try c.axis(dim, rank), .known(-1), .known(-Int.max), step: -1)
      }
      return x
    },
    .one("aten.roll.default", roll),
    .one("aten.pixel_shuffle.default") { (c) throws(EngineError) in
      try images(c) { (x) throws(EngineError) in
        try c.builder.apply(
          DepthToSpace(blockSize: try c.int("upscale_factor"), isColumnFirst: true), x)
      }
    },
    .one("aten.pixel_unshuffle.default") { (c) throws(EngineError) in
      let x = try c.x()
      let n = try c.int("downscale_factor")
      let dims = try c.dims(x)
      guard dims.count >= 3, n > 0, let channels = dims[dims.count - 3].known,
        let height = dims[dims.count - 2].known, let width = dims[dims.count - 1].known
      else { throw EngineError(.unsupported, "the image's sizes have to be known") }
      let area = try c.product([channels, n, n])
      return try images(c) { (x) throws(EngineError) in
        let batch = try c.size(of: x, 0)
        let cut = try c.reshaped(
          x, [batch] + [channels, height / n, n, width / n, n].map { TorchSize.known($0) })
        let turned = try c.transposed(cut, [0, 1, 3, 5, 2, 4])
        return try c.reshaped(
          turned, [batch] + [area, height / n, width / n].map { TorchSize.known($0) })
      }
    },
    .one("aten.channel_shuffle.default") { (c) throws(EngineError) in
      let x = try c.x()
      let groups = try c.int("groups")
      let sizes = try c.sizes(of: x)
      guard sizes.count >= 2, groups > 0, let channels = c.known(sizes[1]) else {
        throw EngineError(.unsupported, "the number of channels has to be known")
      }
      let rest = Array(sizes.dropFirst(2))
      let cut = try c.reshaped(x, [sizes[0], .known(groups), .known(channels / groups)] + rest)
      let turned = try c.transposed(cut, [0, 2, 1] + Array(3..<(rest.count + 3)))
      return try c.reshaped(turned, sizes)
    },
    .one("aten.unfold.default", windows),
    .one("aten.im2col.default") { (c) throws(EngineError) in
      try images(c) { (x) throws(EngineError) in try patches(c, x) }
    },
    .one("aten.col2im.default") { (c) throws(EngineError) in
      let pads = try c.spatial("padding", 2, 0)
      let window = Window(
        strides: try c.spatial("stride", 2, 1), dilations: try c.spatial("dilation", 2, 1),
        padsBegin: pads, padsEnd: pads)
      let x = try c.x()
      let isSingle = try c.rank(x) == 2
      let made = try c.builder.apply(
        Col2Im(window: window), isSingle ? try c.unsqueezed(x, [0]) : x,
        try c.vector(try c.sizes("output_size") ?? []),
        try c.builder.ints(try c.spatial("kernel_size", 2, 1)))
      return isSingle ? try c.squeezed(made, [0]) : made
    },
    .one("aten.repeat_interleave.self_int") { (c) throws(EngineError) in
      let count = try c.int("repeats")
      guard (0..<(1 << 31)).contains(count) else {
        throw EngineError(.malformed, "'repeats' is out of range", received: "\(count)")
      }
      var x = try c.x()
      if !c.has("dim") { x = try c.reshaped(x, [-1]) }
      let axis = c.has("dim") ? try c.axis(try c.int("dim"), try c.rank(x)) : 0
      var sizes = try c.sizes(of: x)
      let wide = try c.unsqueezed(x, [axis + 1])
      var shape = sizes
      shape.insert(.known(count), at: axis + 1)
      let repeated = try c.expanded(wide, shape)
      sizes[axis] = .known(
        try c.known(sizes[axis]).map { (n) throws(EngineError) in
          try c.product([n, count])
        } ?? -1)
      return try c.reshaped(repeated, sizes)
    },
  ]

  /// Applies `body` to images `[N, C, H, W]`, a single one among them.
  private static func images(
    _ c: TorchCall, _ body: (ValueID) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    let x = try c.x()
    switch try c.rank(x) {
    case 4: return try body(x)
    case 3: return try c.squeezed(try body(try c.unsqueezed(x, [0])), [0])
    default: throw EngineError(.unsupported, "images with more than one batch axis")
    }
  }

  @Sendable private static func roll(_ c: TorchCall) throws(EngineError) -> ValueID {
    var x = try c.x()
    let shifts = try c.ints("shifts") ?? []
    let dims = try c.ints("dims") ?? []
    let original = try c.sizes(of: x)
    if dims.isEmpty { x = try c.reshaped(x, [-1]) }
    let rank = try c.rank(x)
    for (i, shift) in shifts.enumerated() where shift != .min {
      let axis = try c.axis(i < dims.count ? dims[i] : 0, rank)
      if let size = try c.dims(x)[axis].known {
        guard size > 0, shift % size != 0 else { continue }
      }
      if shift == 0 { continue }
      let place = try c.dims(x)[axis].known.map { (($0 - shift % $0) % $0) } ?? -shift
      let tail = try c.sliced(x, axis, .known(place), .known(.max))
      let head = try c.sliced(x, axis, .known(0), .known(place))
      x = try c.builder.apply(Concat(axis: axis), tail, head)
    }
    return dims.isEmpty ? try c.reshaped(x, original) : x
  }

  /// Windows along an axis, laid along a new last one.
  @Sendable private static func windows(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let rank = try c.rank(x)
    let axis = try c.axis(try c.int("dimension"), rank)
    let (size, step) = (try c.int("size"), try c.int("step"))
    guard let length = try c.dims(x)[axis].known, size >= 0, step > 0, size <= length else {
      throw EngineError(.unsupported, "the size of the unfolded axis has to be known")
    }
    let count = (length - size) / step + 1
    let (total, overflow) = count.multipliedReportingOverflow(by: size)
    guard !overflow, total <= 1 << 24 else { throw EngineError(.budget, "too many windows") }
    var places: [Int64] = []
    for i in 0..<count { for j in 0..<size { places.append(Int64(i * step + j)) } }
    let index = try c.builder.constant(try Tensor(shape: [count, size], places))
    let found = try c.builder.apply(Gather(axis: axis), x, index)
    let perm = Array(0...axis) + Array((axis + 2)..<(rank + 1)) + [axis + 1]
    return try c.transposed(found, perm)
  }

  /// The elements under each place of a kernel, as columns: `[N, C * k * k, places]`.
  private static func patches(_ c: TorchCall, _ image: ValueID) throws(EngineError) -> ValueID {
    var x = image
    let kernel = try c.spatial("kernel_size", 2, 1)
    let (pads, strides) = (try c.spatial("padding", 2, 0), try c.spatial("stride", 2, 1))
    let dilations = try c.spatial("dilation", 2, 1)
    if pads.contains(where: { $0 != 0 }) {
      let list = [0, 0, pads[0], pads[1], 0, 0, pads[0], pads[1]]
      x = try c.builder.apply(Pad(), x, try c.builder.ints(list))
    }
    var counts: [Int] = []
    for axis in 0..<2 {
      // The first axis is two by the time of the second.
      guard let size = try c.dims(x)[axis == 0 ? 2 : 4].known, kernel[axis] > 0, strides[axis] > 0,
        dilations[axis] > 0
      else { throw EngineError(.unsupported, "the image's sizes have to be known") }
      let reach = (kernel[axis] - 1).multipliedReportingOverflow(by: dilations[axis])
      guard !reach.overflow, size > reach.partialValue else {
        throw EngineError(.malformed, "the kernel is larger than the image")
      }
      let count = (size - reach.partialValue - 1) / strides[axis] + 1
      guard try c.product([count, kernel[axis]]) <= 1 << 24 else {
        throw EngineError(.budget, "too many windows")
      }
      counts.append(count)
      var places: [Int64] = []
      for k in 0..<kernel[axis] {
        for i in 0..<count { places.append(Int64(i * strides[axis] + k * dilations[axis])) }
      }
      let index = try c.builder.constant(try Tensor(shape: [kernel[axis], count], places))
      x = try c.builder.apply(Gather(axis: axis == 0 ? 2 : 4), x, index)
    }
    // [N, C, kh, oh, kw, ow] as [N, C, kh, kw, oh, ow].
    let turned = try c.transposed(x, [0, 1, 2, 4, 3, 5])
    let dims = try c.dims(turned)
    let rows = (dims[1] * dims[2] * dims[3]).known ?? -1
    return try c.reshaped(
      turned, [try c.size(of: turned, 0), .known(rows), .known(try c.product(counts))])
  }
}
