import Graphs
import Kernels
import Tensors

/// The partial inverse of MaxPool: each element back at its place, zeros elsewhere.
///
/// - `X`: float16, bfloat16, float32 or float64 `[N, C, D1, ...]`. `I`: int64 of the same shape,
///   places in the flattened result of the attributes' sizes. `output_shape`: int64, a result at
///   least as large; what it has more is zeros behind. Default: the attributes' sizes.
/// - `kernel_shape`: required. `strides`: default 1. `pads`: default 0.
/// - Output: axis `i` of size `(D - 1) * stride - pads + kernel`.
/// - Errors: `.attribute`, `.shape` for lists of the wrong length or a smaller `output_shape`,
///   `.value` for a place out of range.
/// - Edges: where a place occurs twice the last counts.
/// - Accuracy: exact.
/// - Source: ONNX MaxUnpool 9, 11, 22.
public struct MaxUnpool: Operator {
  public let kernel: [Int]
  public let strides: [Int]
  public let pads: [Int]

  public static let schema = Schema(
    "MaxUnpool", versions: [9, 11, 22],
    inputs: [
      Parameter("X", .floats, "T1"), Parameter("I", .int64, "T2"),
      .optional("output_shape", .int64, "T2", shape: true),
    ],
    outputs: [Parameter("output", .floats, "T1")],
    attributes: [
      AttributeSpec("kernel_shape", .ints, "sizes of the window; required"),
      AttributeSpec("strides", .ints, "default 1"),
      AttributeSpec("pads", .ints, "at all beginnings, then at all ends; default 0"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 1, 2, 2], [1, 2, 3, 4] as [Float])
      let places = try Tensor(shape: [1, 1, 2, 2], [5, 7, 13, 15] as [Int64])
      let op = MaxUnpool(kernel: [2, 2], strides: [2, 2])
      return [
        .init(op, [x, places]), .init(op, [x, places, try Tensor([1, 1, 5, 5] as [Int64])]),
      ]
    })

  public init(kernel: [Int], strides: [Int] = [], pads: [Int] = []) {
    self.kernel = kernel
    self.strides = strides.isEmpty ? kernel.map { _ in 1 } : strides
    self.pads = pads.isEmpty ? kernel.flatMap { _ in [0, 0] } : pads
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    self.init(
      kernel: try a.ints("kernel_shape"), strides: try a.ints("strides", default: []),
      pads: try a.ints("pads", default: []))
    let legal = 0...Int(Int32.max)
    guard strides.count == kernel.count, pads.count == 2 * kernel.count,
      (kernel + strides + pads).allSatisfy({ legal.contains($0) })
    else {
      throw EngineError(
        .attribute, "the window's attributes do not fit each other",
        expected: "\(kernel.count) strides and \(2 * kernel.count) pads, none negative",
        received: "strides \(strides), pads \(pads)")
    }
  }
  public var attributes: [Attribute] {
    [.ints("kernel_shape", kernel), .ints("strides", strides), .ints("pads", pads)]
  }

  /// The sizes that the attributes give.
  fileprivate func sizes(_ x: [Dim]) throws(EngineError) -> [Dim] {
    guard x.count == kernel.count + 2 else {
      throw EngineError(
        .shape, "the window does not fit the input", expected: "rank \(kernel.count + 2)",
        received: "\(x)")
    }
    var dims = Array(x[0..<2])
    for i in kernel.indices {
      let lost = pads[i] + pads[kernel.count + i]
      dims.append((x[i + 2] - 1) * Dim(strides[i]) + Dim(kernel[i] - lost))
    }
    try checkSizes(dims)
    return dims
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    let own = try c.dims(0).map { (d) throws(EngineError) in try sizes(d) }
    if let x = c.dims(0), let places = c.dims(1), x.count != places.count {
      throw EngineError(
        .shape, "the places have another shape than the input", expected: "\(x)",
        received: "\(places)")
    }
    guard c.has(2) else { return [Fact(dtype, own)] }
    guard let given = c.elements(2) else {
      return [Fact(dtype, own.map { c.unknown(rank: $0.count) })]
    }
    try checkSizes(given)
    let isLarge =
      own.map { own in
        own.count == given.count
          && zip(own, given).allSatisfy { (a, b) in a.known ?? 0 <= b.known ?? .max }
      } ?? true
    guard isLarge else {
      throw EngineError(
        .shape, "output_shape does not hold the result", expected: "at least \(own ?? [])",
        received: "\(given)")
    }
    return [Fact(dtype, given)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    let places = try p.input(1)
    guard places.shape == x.shape else {
      throw EngineError(
        .shape, "the places have another shape than the input", expected: "\(x.shape)",
        received: "\(places.shape)")
    }
    let own = try Shape(checking: sizes(x.shape.array.map { Dim($0) }).map { $0.known ?? -1 })
    let (inner, outer) = (Table(own.strides), Table(y.shape.strides))
    let (rank, limit) = (own.rank, own.count)
    let size = x.dtype.byteSize
    // Places count in what is written, not in a part of it.
    let isWhole = own == y.shape
    let count = x.count
    return Prepared { (m) throws(EngineError) in
      m.outputs[0].initializeMemory(as: UInt8.self, repeating: 0, count: y.byteCount)
      let places = m.input(1, Int64.self)
      if isWhole, size == 4 {
        let (from, to) = (m.input(0, UInt32.self), m.output(0, UInt32.self))
        let end = UInt64(limit)
        var i = 0
        while i < count, UInt64(bitPattern: places[i]) < end {
          to[Int(truncatingIfNeeded: places[i])] = from[i]
          i &+= 1
        }
        if i == count { return }
      }
      for i in 0..<count {
        let place = places[i]
        guard place >= 0, place < Int64(limit) else {
          throw EngineError(
            .value, "place \(i) is out of range", expected: "0 to \(limit - 1)",
            received: "\(place)")
        }
        var target = Int(place)
        if !isWhole {
          var rest = target
          target = 0
          for a in 0..<rank {
            target += rest / inner[a] * outer[a]
            rest %= inner[a]
          }
        }
        if size == 4 {
          let value = m.inputs[0].load(fromByteOffset: i * 4, as: UInt32.self)
          m.outputs[0].storeBytes(of: value, toByteOffset: target * 4, as: UInt32.self)
        } else {
          (m.outputs[0] + target * size).copyMemory(from: m.inputs[0] + i * size, byteCount: size)
        }
      }
    }
  }
}

extension MaxUnpool {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, places) = (try g.input(0), try g.input(1))
    var up = try g.upstream()
    if g.has(2), let dims = b.fact(of: x).dims {
      // What output_shape adds lies behind.
      let own = try sizes(dims).map(\.known)
      guard !own.contains(nil) else {
        throw EngineError(.notDifferentiable, "the sizes of a MaxUnpool are not known")
      }
      let starts = try b.constant(Tensor([Int64](repeating: 0, count: own.count)))
      let ends = try b.constant(Tensor(own.map { Int64($0 ?? 0) }))
      up = try b.apply(Slice(), up, starts, ends)
    }
    let flat = try b.apply(GatherElements(), reshape(b, up, [-1]), reshape(b, places, [-1]))
    g.give(0, try reshape(b, flat, like: x))
  }
}
