import Graphs
import Kernels
import Tensors

/// Blocks laid side by side as columns, added up where they lie in an image: the transpose of taking
/// an image's windows.
///
/// - `input`: numeric dtypes, complex, bool or string, `[N, C * product(block), L]`; `image_shape`, `block_shape`:
///   int64, a size for each spatial axis. Result: `[N, C, image_shape...]`.
/// - `strides`, `dilations` (default 1), `pads` (default 0): as of a convolution with the block as
///   its window; L is the number of its positions.
/// - Errors: `.shape` for sizes that do not fit; `.value` for strings that would have to be added.
/// - Edges: what falls into pads is dropped. Integers wrap. Sums in the order of the taps. Bools add
///   up to whether any holds; places that no string falls to are empty.
/// - Source: ONNX Col2Im 18.
public struct Col2Im: Operator {
  public let window: Window

  static let types: DTypes = [.numeric, .complex, .bool, .string]

  public static let schema = Schema(
    "Col2Im", versions: [18],
    inputs: [
      Parameter("input", types), Parameter("image_shape", .int64, "", shape: true),
      Parameter("block_shape", .int64, "", shape: true),
    ],
    outputs: [Parameter("output", types)],
    attributes: Window.specs.filter { $0.name != "auto_pad" && $0.name != "kernel_shape" },
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 4, 6], (0..<48).map { Float(($0 * 7) % 48) })
      let block = try Tensor([2, 2] as [Int64])
      return [
        .init(Col2Im(), [x, try Tensor([3, 4] as [Int64]), block]),
        .init(
          Col2Im(window: Window(strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 1])),
          [x, try Tensor([3, 3] as [Int64]), block]),
      ]
    })

  public init(window: Window = Window()) { self.window = window }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: false)
  }
  public var attributes: [Attribute] { window.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let x = c.dims(0)
    if let x, x.count != 3 {
      throw EngineError(
        .shape, "the input has another rank", expected: "rank 3", received: "\(x)")
    }
    guard let image = c.elements(1) else {
      let axes = c.dims(1)?.first?.known
      guard let axes, axes >= 0, axes <= 6 else { return [Fact(c.dtype(0), nil)] }
      return [Fact(c.dtype(0), c.unknown(rank: axes + 2))]
    }
    var channels = c.unknown()
    if let block = c.ints(2) {
      guard block.count == image.count, block.allSatisfy({ $0 >= 1 && $0 <= Int(Int32.max) }) else {
        throw EngineError(
          .shape, "block_shape does not fit the image", expected: "\(image.count) sizes from 1",
          received: "\(block)")
      }
      let size = block.map { Dim($0) }.product
      guard size.known != nil else {
        throw EngineError(.shape, "the block is too large", received: "\(block)")
      }
      if let rows = x?[1].known, let n = size.known, rows % n != 0 {
        throw EngineError(
          .shape, "the rows are no whole number of blocks", expected: "a multiple of \(n)",
          received: "\(rows)")
      }
      if let x { channels = x[1] / size }
      let positions = try window.outputDims(input: image, kernel: block.map { Dim($0) }).product
      if let n = positions.known, let columns = x?[2].known, n != columns {
        throw EngineError(
          .shape, "the columns do not fit the positions of the block", expected: "\(n)",
          received: "\(columns)")
      }
    }
    let dims = [x?[0] ?? c.unknown(), channels] + image
    try checkSizes(dims)
    return [Fact(c.dtype(0), dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, y) = (try p.input(0), try p.output(0))
    guard let image = try p.shapeInts(1), let block = try p.shapeInts(2) else {
      throw EngineError(.arity, "image_shape or block_shape is missing")
    }
    // A complex number is two floats side by side.
    let part: DType =
      switch x.dtype {
      case .complex64: .float32
      case .complex128: .float64
      case .bool: .uint8
      default: x.dtype
      }
    if x.dtype == .string { return .dynamic }
    guard isNumeral(part) else { throw p.noKernel() }
    let width = x.dtype == .complex64 || x.dtype == .complex128 ? 2 : 1
    let isBool = x.dtype == .bool
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let settled = try window.concrete(inputSpatial: image, kernel: block)
    let taps = block.reduce(1, *)
    let planes = y.shape[0] * y.shape[1]
    let sizes = y.shape.count(of: 2..<y.shape.rank)
    let positions = settled.output.reduce(1, *)
    if x.dtype == .float32 || x.dtype == .float64,
      let folding = ColumnFolding(
        image: settled.input, windows: settled.output, kernel: settled.kernel,
        strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin)
    {
      let isDouble = x.dtype == .float64
      return Prepared(label: "col2im") { m in
        m.pool.run(planes) { plane in
          let (from, to) = (plane * taps * positions, plane * sizes)
          if isDouble {
            folding.run(m.input(0, Double.self) + from, to: m.output(0, Double.self) + to)
          } else {
            folding.run(m.input(0, Float.self) + from, to: m.output(0, Float.self) + to)
          }
        }
      }
    }
    let places = Table(Col2Im.places(settled))
    return Prepared(label: "col2im") { m in
      visitNumeral(
        part,
        Kernel(
          x: m.inputs[0], y: m.outputs[0], planes: planes, taps: taps, positions: positions,
          sizes: sizes, width: width, isBool: isBool, places: places, pool: m.pool))
    }
  }

  /// Strings, which move but do not add.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    let (image, block) = (Fact(constant: try e.tensor(1)), Fact(constant: try e.tensor(2)))
    let facts = try infer(Inference(inputs: [Fact(x.type), image, block]))
    guard x.dtype == .string, let type = facts[0].tensorType, let sizes = image.knownInts,
      let kernel = block.knownInts
    else { throw EngineError(.dtype, "no kernel for these elements", received: "\(x.dtype)") }
    let w = try window.concrete(inputSpatial: sizes, kernel: kernel)
    let places = Col2Im.places(w)
    let (planes, size) = (
      type.shape[0] * type.shape[1], type.shape.count(of: 2..<type.shape.rank)
    )
    var result = [String](repeating: "", count: type.count)
    var isTaken = [Bool](repeating: false, count: type.count)
    let strings = x.strings
    for plane in 0..<planes {
      for (i, place) in places.enumerated() where place >= 0 {
        let at = plane * size + place
        guard !isTaken[at] else {
          throw EngineError(
            .value, "two strings fall to one place, and strings do not add",
            hint: "blocks must not overlap")
        }
        isTaken[at] = true
        result[at] = strings[plane * places.count + i]
      }
    }
    return [.tensor(try Tensor(shape: type.shape, strings: result))]
  }

  /// For each tap and each position of the block, the place in the image or -1.
  fileprivate static func places(_ w: Window.Concrete) -> [Int] {
    var result = [0]
    // Taps and positions of the axes so far, as a table of [taps, positions].
    var (taps, positions) = (1, 1)
    for axis in w.kernel.indices {
      let (k, n) = (w.kernel[axis], w.output[axis])
      var next = [Int](repeating: -1, count: taps * k * positions * n)
      for t in 0..<taps {
        for j in 0..<k {
          for q in 0..<positions {
            let base = result[t * positions + q]
            for o in 0..<n {
              let at = o * w.strides[axis] - w.padsBegin[axis] + j * w.dilations[axis]
              guard base >= 0, at >= 0, at < w.input[axis] else { continue }
              next[((t * k + j) * positions + q) * n + o] = base * w.input[axis] + at
            }
          }
        }
      }
      result = next
      (taps, positions) = (taps * k, positions * n)
    }
    return result
  }

  private struct Kernel: NumeralVisitor {
    let x: UnsafeMutableRawPointer
    let y: UnsafeMutableRawPointer
    let planes: Int
    let taps: Int
    let positions: Int
    let sizes: Int
    let width: Int
    let isBool: Bool
    let places: Table
    let pool: ThreadPool

    func visit<T: Numeral>(_: T.Type) {
      pool.run(planes) { plane in
        let columns = x.assumingMemoryBound(to: T.self) + plane * taps * positions * width
        let image = y.assumingMemoryBound(to: T.self) + plane * sizes * width
        for i in 0..<sizes * width { image[i] = T.zeroValue }
        if isBool {
          let (any, given) = (
            UnsafeMutableRawPointer(image).assumingMemoryBound(to: UInt8.self),
            UnsafeMutableRawPointer(columns).assumingMemoryBound(to: UInt8.self)
          )
          for i in 0..<taps * positions where places[i] >= 0 { any[places[i]] |= given[i] }
          return
        }
        for i in 0..<taps * positions where places[i] >= 0 {
          for k in 0..<width {
            let at = places[i] * width + k
            image[at] = T.plus(image[at], columns[i * width + k])
          }
        }
      }
    }
  }
}

extension Col2Im {
  /// Each column takes what lies in its place in the upstream; nothing where it fell into pads.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard let image = b.fact(of: try g.input(1)).knownInts,
      let block = b.fact(of: try g.input(2)).knownInts
    else { throw EngineError(.notDifferentiable, "the sizes of the image are not known") }
    let settled = try window.concrete(inputSpatial: image, kernel: block)
    let beyond = image.reduce(1, *)
    let places = Col2Im.places(settled).map { Int64($0 < 0 ? beyond : $0) }
    let flat = try reshape(b, g.upstream(), [0, 0, -1])
    let room = try fitted(b, flat, axis: 2, beyond + 1)
    let columns = try b.apply(Gather(axis: 2), room, b.constant(Tensor(places)))
    g.give(0, try reshape(b, columns, like: g.input(0)))
  }
}
