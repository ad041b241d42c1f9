import Graphs
import Tensors

/// The middle of a tensor under given sizes: larger axes are cropped, smaller ones padded with
/// zeros, equally on both sides.
///
/// - `input_data`: whole-byte dtypes and strings, any shape. `shape`: int32 or int64, a size for
///   each of `axes`.
/// - `axes`: default all. Of an odd number, cropping takes the larger half from the end, and so
///   does padding add it.
/// - Errors: `.attribute` for an axis out of range or named twice, `.shape` for sizes that do not
///   fit the axes or are negative.
/// - Cost: that of Pad, which does the work.
/// - Gradient: the upstream cropped where the input was padded, and the other way round.
/// - Source: ONNX CenterCropPad 18.
public struct CenterCropPad: Operator {
  public let axes: [Int]?

  public static let schema = Schema(
    "CenterCropPad", versions: [18],
    inputs: [
      Parameter("input_data", Expand.types), Parameter("shape", .indices, "Tind", shape: true),
    ],
    outputs: [Parameter("output_data", Expand.types)],
    attributes: [AttributeSpec("axes", .ints, "the axes that sizes are given of; default all")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 5], (1...15).map { Float($0) })
      return [
        .init(CenterCropPad(), [x, try Tensor([2, 8] as [Int64])]),
        .init(CenterCropPad(axes: [-1]), [x, try Tensor([2] as [Int64])]),
        .init(CenterCropPad(axes: [1, 0]), [x, try Tensor([3, 4] as [Int64])]),
      ]
    })

  public init(axes: [Int]? = nil) { self.axes = axes }
  public init(reading a: AttributeReader) throws(EngineError) {
    axes = try a.optionalInts("axes")
  }
  public var attributes: [Attribute] { axes.map { [.ints("axes", $0)] } ?? [] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    let at = try normalisedAxes(axes ?? Array(x.indices), rank: x.count)
    let sizes = c.elements(1)
    if let sizes { try check(sizes.count, at.count) }
    var dims = x
    for (i, axis) in at.enumerated() { dims[axis] = sizes?[i] ?? c.unknown() }
    try checkSizes(dims)
    return [Fact(c.dtype(0), dims)]
  }

  private func check(_ sizes: Int, _ axes: Int) throws(EngineError) {
    guard sizes == axes else {
      throw EngineError(
        .shape, "shape does not fit the axes", expected: "\(axes) sizes", received: "\(sizes)")
    }
  }

  /// What Pad is to do; cropping is padding by a negative number.
  private func pad(_ x: [Int], _ sizes: [Int]) throws(EngineError) -> Pad {
    let at = try normalisedAxes(axes ?? Array(x.indices), rank: x.count)
    try check(sizes.count, at.count)
    var pads = [Int](repeating: 0, count: 2 * x.count)
    for (i, axis) in at.enumerated() {
      let (more, overflow) = sizes[i].subtractingReportingOverflow(x[axis])
      guard sizes[i] >= 0, !overflow else {
        throw EngineError(.shape, "a size is negative", received: "\(sizes)")
      }
      // Division drops the fraction, so the end takes the odd one either way.
      pads[axis] = more / 2
      pads[axis + x.count] = more - more / 2
    }
    return Pad(pads: pads)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard let sizes = try p.shapeInts(1) else { throw EngineError(.arity, "input 1 is missing") }
    return try pad(x.shape.array, sizes).prepare(
      Preparation(
        inputs: [x], outputs: p.outputs, constants: [p.constant(0)], options: p.options,
        store: p.store))
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let (x, sizes) = (try e.tensor(0), try e.tensor(1))
    guard let ints = Fact(constant: sizes).knownInts else {
      throw EngineError(.shape, "shape has too many elements", received: "\(sizes.count)")
    }
    return try e.run(pad(x.shape.array, ints), [.tensor(x)])
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    let sizes = try b.apply(ShapeOp(), x)
    g.give(0, try b.apply(CenterCropPad(), g.upstream(), sizes))
  }
}
