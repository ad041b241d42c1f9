import Glibc
import Graphs
import Kernels
import Tensors

/// The input sampled at another size, axis by axis: nearest element, linear or cubic.
///
/// - `X`: any dtype of whole bytes, or strings; linear and cubic: real numbers. `roi`: floating
///   `[2 * N]`, starts then ends, for `tf_crop_and_resize`. Either `scales`: float32 `[N]`, or
///   `sizes`: int64 `[N]`; an empty one counts as absent. In opset 10 the inputs are X and scales.
/// - `mode`: nearest (default), linear, cubic. `nearest_mode`: round_prefer_floor (default),
///   round_prefer_ceil, floor, ceil. `cubic_coeff_a`: default -0.75.
/// - `coordinate_transformation_mode`: half_pixel (default), half_pixel_symmetric,
///   pytorch_half_pixel, align_corners, asymmetric, tf_half_pixel_for_nn, tf_crop_and_resize (beyond
///   whose region stands `extrapolation_value`, default 0).
/// - `exclude_outside`: 1 leaves neighbours beyond the edge out; default 0: the edge repeats.
///   `antialias`: 1 widens the kernel where an axis shrinks; default 0. `axes`: what scales, sizes
///   and roi speak of; default all. `keep_aspect_ratio_policy`: stretch (default), not_larger,
///   not_smaller, for `sizes`.
/// - Output: sizes `floor(X * scale)`, in float32, or `sizes`.
/// - Errors: `.value` for scales that are not above 0 or a region that is not finite, `.shape` when
///   lists do not fit or an empty axis should grow, `.dtype` when the elements cannot be weighed.
/// - Accuracy: float32 in float32, places in float64; integers round half to even and saturate,
///   as ONNX's reference does (onnxruntime cuts their fractions off).
/// - Opset 10: asymmetric places; nearest rounds down where an axis grows, else up.
/// - Gradient: `ResizeGradient`; none by `roi` and `scales`.
/// - Source: ONNX Resize 10, 11, 13, 18, 19.
public struct Resize: Operator {
  public enum Mode: String, Sendable, Hashable { case nearest, linear, cubic }
  public enum Policy: String, Sendable, Hashable { case stretch, notLarger, notSmaller }

  public var mode: Mode = .nearest
  public var coordinates: CoordinateMode = .halfPixel
  public var rounding: NearestMode = .roundPreferFloor
  public var cubicA: Float = -0.75
  public var excludesOutside = false
  public var extrapolation: Float = 0
  public var antialias = false
  public var axes: [Int]?
  public var policy: Policy = .stretch
  /// The form of opset 10, whose second input is scales.
  public var isLegacy = false
  /// Scales that the operator's form of opset 7 has as an attribute.
  var fixedScales: [Float]?

  public static let schema = Schema(
    "Resize", versions: [10, 11, 13, 18, 19],
    inputs: [
      Parameter("X", Expand.types, "T1"),
      .optional("roi", DTypes(.float16, .float32, .float64), "T2", shape: true),
      .optional("scales", DTypes(.float32), "", shape: true),
      .optional("sizes", .int64, "", shape: true),
    ],
    outputs: [Parameter("Y", Expand.types, "T1")],
    attributes: [
      AttributeSpec("mode", .string, "nearest (default), linear or cubic"),
      AttributeSpec("coordinate_transformation_mode", .string, "default half_pixel", since: 11),
      AttributeSpec("nearest_mode", .string, "default round_prefer_floor", since: 11),
      AttributeSpec("cubic_coeff_a", .float, "default -0.75", since: 11),
      AttributeSpec(
        "exclude_outside", .int, "1: no neighbours beyond the edge; default 0", since: 11),
      AttributeSpec("extrapolation_value", .float, "beyond the region; default 0", since: 11),
      AttributeSpec(
        "antialias", .int, "1: a wider kernel where an axis shrinks; default 0", since: 18),
      AttributeSpec("axes", .ints, "axes that are resized; default all", since: 18),
      AttributeSpec(
        "keep_aspect_ratio_policy", .string, "stretch (default), not_larger, not_smaller", since: 18
      ),
    ],
    inputCounts: [10: 2...2, 11: 3...4, 13: 1...4],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 3, 4], (1...24).map { Float($0) })
      let sizes = try Tensor([1, 2, 5, 3] as [Int64])
      let scales = try Tensor([1, 1, 2, 2] as [Float])
      return [
        .init(Resize(), [x, nil, scales]), .init(Resize(mode: .linear), [x, nil, scales]),
        .init(Resize(mode: .linear, coordinates: .alignCorners), [x, nil, nil, sizes]),
        .init(Resize(mode: .cubic, antialias: true), [x, nil, nil, sizes]),
      ]
    })

  public init(
    mode: Mode = .nearest, coordinates: CoordinateMode = .halfPixel, antialias: Bool = false
  ) {
    self.mode = mode
    self.coordinates = coordinates
    self.antialias = antialias
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(reading: a, isLegacy: a.opset < 11)
  }
  init(reading a: AttributeReader, isLegacy: Bool) throws(EngineError) {
    let name = try a.string("mode", default: "nearest", oneOf: ["nearest", "linear", "cubic"])
    mode = Mode(rawValue: name) ?? .nearest
    if isLegacy {
      becomeLegacy()
      return
    }
    let places = try a.string(
      "coordinate_transformation_mode", default: "half_pixel",
      oneOf: CoordinateMode.allCases.map(\.rawValue))
    coordinates = CoordinateMode(rawValue: places) ?? .halfPixel
    let nearest = try a.string(
      "nearest_mode", default: "round_prefer_floor",
      oneOf: NearestMode.allCases.map(\.rawValue).filter { $0 != "simple" })
    rounding = NearestMode(rawValue: nearest) ?? .roundPreferFloor
    cubicA = try a.float("cubic_coeff_a", default: -0.75)
    excludesOutside = try a.bool("exclude_outside", default: false)
    extrapolation = try a.float("extrapolation_value", default: 0)
    antialias = try a.bool("antialias", default: false)
    axes = try a.optionalInts("axes")
    let keep = try a.string(
      "keep_aspect_ratio_policy", default: "stretch",
      oneOf: ["stretch", "not_larger", "not_smaller"])
    policy = keep == "not_larger" ? .notLarger : keep == "not_smaller" ? .notSmaller : .stretch
    if antialias && mode == .nearest {
      throw EngineError(
        .attribute, "attribute 'antialias' does not go with mode nearest",
        expected: "mode linear or cubic")
    }
  }

  mutating func becomeLegacy() {
    isLegacy = true
    coordinates = .asymmetric
    rounding = .simple
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = [.string("mode", mode.rawValue)]
    if isLegacy { return list }
    list += [
      .string("coordinate_transformation_mode", coordinates.rawValue),
      .string("nearest_mode", rounding.rawValue), .float("cubic_coeff_a", cubicA),
      .bool("exclude_outside", excludesOutside), .float("extrapolation_value", extrapolation),
      .bool("antialias", antialias),
    ]
    if let axes { list.append(.ints("axes", axes)) }
    switch policy {
    case .stretch: break
    case .notLarger: list.append(.string("keep_aspect_ratio_policy", "not_larger"))
    case .notSmaller: list.append(.string("keep_aspect_ratio_policy", "not_smaller"))
    }
    return list
  }

  // Input 1 of the old form is what input 2 became.
  private var scalesInput: Int { isLegacy ? 1 : 2 }

  private func resized(rank: Int) throws(EngineError) -> [Int] {
    try normalisedAxes(axes ?? Array(0..<rank), rank: rank)
  }

  private func checkedScales(_ scales: [Float], count: Int) throws(EngineError) -> [Float] {
    guard scales.count == count else {
      throw EngineError(
        .shape, "scales does not fit the axes", expected: "\(count) numbers",
        received: "\(scales.count)")
    }
    for s in scales where !(s > 0 && s.isFinite) {
      throw EngineError(.value, "a scale is not above 0", received: "\(scales)")
    }
    return scales
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    guard let x = c.dims(0) else { return [Fact(dtype, nil)] }
    let at = try resized(rank: x.count)
    var dims = x
    let sizesAbsent = isLegacy || !c.has(3) || c.dims(3)?.first?.known == 0
    if sizesAbsent {
      var given = fixedScales
      if given == nil, let t = c.constant(scalesInput) { given = try t.values(as: Float.self) }
      guard let given else {
        guard fixedScales != nil || c.has(scalesInput) else {
          throw EngineError(.arity, "neither scales nor sizes are given")
        }
        for axis in at { dims[axis] = c.unknown() }
        return [Fact(dtype, dims)]
      }
      let scales = try checkedScales(given, count: at.count)
      for (axis, scale) in zip(at, scales) {
        if let n = x[axis].known {
          dims[axis] = try Dim(scaledSize(n, scale))
        } else if scale == scale.rounded(), let whole = Int(exactly: scale) {
          dims[axis] = x[axis] * Dim(whole)
        } else {
          dims[axis] = c.unknown()
        }
      }
    } else if let sizes = c.elements(3) {
      guard sizes.count == at.count else {
        throw EngineError(
          .shape, "sizes does not fit the axes", expected: "\(at.count) numbers",
          received: "\(sizes)")
      }
      if policy == .stretch {
        for (axis, size) in zip(at, sizes) { dims[axis] = size }
      } else if let known = c.ints(3), at.allSatisfy({ x[$0].known != nil }) {
        let inputs = at.map { x[$0].known ?? 0 }
        for (axis, size) in zip(at, try kept(inputs, known).sizes) { dims[axis] = Dim(size) }
      } else {
        for axis in at { dims[axis] = c.unknown() }
      }
    } else {
      for axis in at { dims[axis] = c.unknown() }
    }
    try checkSizes(dims)
    for axis in at where x[axis].known == 0 && (dims[axis].known ?? 0) > 0 {
      throw EngineError(.shape, "axis \(axis) is empty and cannot grow", received: "\(x)")
    }
    return [Fact(dtype, dims)]
  }

  private func scaledSize(_ n: Int, _ scale: Float) throws(EngineError) -> Int {
    let size = Glibc.floor(Float(n) * scale)
    guard size < 0x1p62 else {
      throw EngineError(.shape, "a size is too large", received: "\(n) scaled by \(scale)")
    }
    return Int(size)
  }

  /// Sizes that keep the aspect ratio, and the one scale of all axes.
  private func kept(
    _ inputs: [Int], _ sizes: [Int]
  ) throws(EngineError) -> (scale: Double, sizes: [Int]) {
    let ratios = zip(sizes, inputs).map { $1 == 0 ? 0 : Double($0) / Double($1) }
    let scale = (policy == .notLarger ? ratios.min() : ratios.max()) ?? 1
    var result: [Int] = []
    for n in inputs {
      guard let size = Int(exactly: Glibc.floor(scale * Double(n) + 0.5)), size >= 0 else {
        throw EngineError(.shape, "a size is out of range", received: "\(sizes)")
      }
      result.append(size)
    }
    return (scale, result)
  }

  func plan(_ p: Preparation) throws(EngineError) -> [ResizeAxis] {
    let (x, y) = (try p.input(0).shape, try p.output(0).shape)
    let at = try resized(rank: x.rank)
    var scales = at.map { x[$0] == 0 ? 1 : Double(y[$0]) / Double(x[$0]) }
    let sizes = isLegacy ? nil : try p.shapeInts(3)
    if let sizes, !sizes.isEmpty {
      if policy != .stretch {
        let scale = try kept(at.map { x[$0] }, sizes).scale
        scales = scales.map { _ in scale }
      }
    } else if let fixedScales {
      scales = try checkedScales(fixedScales, count: at.count).map { Double($0) }
    } else if let t = p.constant(scalesInput) {
      scales = try checkedScales(t.values(as: Float.self), count: at.count).map { Double($0) }
    }
    var region = at.map { _ in (start: 0.0, end: 1.0) }
    if coordinates == .cropAndResize {
      guard let roi = p.constant(1), roi.count == 2 * at.count else {
        throw EngineError(
          .shape, "roi does not fit the axes", expected: "\(2 * at.count) numbers",
          received: p.has(1) ? "\(try p.input(1))" : "none")
      }
      let numbers: [Double]
      switch roi.dtype {
      case .float16: numbers = roi.elements(Float16.self).map { Double($0) }
      case .float64: numbers = Array(roi.elements(Double.self))
      default: numbers = try roi.values(as: Float.self).map { Double($0) }
      }
      for v in numbers where !(abs(v) < 1e9) {
        throw EngineError(.value, "the region is out of range", received: "\(numbers)")
      }
      for i in at.indices { region[i] = (numbers[i], numbers[at.count + i]) }
    }
    return at.indices.map {
      ResizeAxis(
        axis: at[$0], input: x[at[$0]], output: y[at[$0]], scale: scales[$0], roi: region[$0],
        mode: coordinates)
    }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    let changing = try plan(p).filter { !$0.isIdentity }
    if changing.isEmpty || y.count == 0 { return .view }
    let fills = try Extrapolation(changing, y, extrapolation)
    if mode == .nearest {
      var tables = x.shape.array.map { Array(0..<$0) }
      for a in changing { tables[a.axis] = a.nearest(rounding) }
      let gather = TableGather(
        sourceSizes: x.shape.array, tables: tables, elementBytes: x.dtype.byteSize)
      return Prepared(label: "nearest") { m in
        gather.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool)
        fills.run(m.outputs[0])
      }
    }
    guard Resampler.supports(x.dtype), coordinates != .halfPixelForNearest else {
      throw p.noKernel()
    }
    // Axes that shrink come first, so that the others have less to do.
    let axes = changing.sorted {
      Double($0.output) * Double($1.input) < Double($1.output) * Double($0.input)
    }
    let resampler = Resampler(
      shape: x.shape.array,
      axes: axes.map {
        $0.resampling(
          cubic: mode == .cubic ? Double(cubicA) : nil, antialias: antialias,
          excludeOutside: excludesOutside)
      }, dtype: x.dtype, threads: p.options.threads)
    return Prepared(scratchBytes: resampler.scratchBytes, label: mode.rawValue) { m in
      resampler.run(to: m.outputs[0], from: m.inputs[0], scratch: m.scratch, pool: m.pool)
      fills.run(m.outputs[0])
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    guard mode == .nearest else {
      throw EngineError(
        .dtype, "elements that cannot be weighed", expected: "mode nearest",
        received: "\(try e.tensor(0).dtype)")
    }
    // Beyond the region stands what has no place: the empty string.
    var op = self
    op.extrapolation = 0
    return try moveByPlaces(op, e)
  }
}

/// Fills the slices of a result that lie beyond the region of interest.
private struct Extrapolation {
  /// Slices along an axis: `outer` blocks of `size` times `inner` elements.
  struct Slices {
    let places: [Int]
    let outer: Int
    let size: Int
    let inner: Int
  }
  private var slices: [Slices] = []
  private let element: Tensor
  private let elementBytes: Int

  init(_ axes: [ResizeAxis], _ y: TensorType, _ value: Float) throws(EngineError) {
    elementBytes = y.dtype.byteSize
    for a in axes {
      let places = a.outside()
      if places.isEmpty { continue }
      slices.append(
        Slices(
          places: places, outer: y.shape.count(of: 0..<a.axis), size: y.shape[a.axis],
          inner: y.shape.count(of: a.axis + 1..<y.shape.rank)))
    }
    element = try Operators.element(slices.isEmpty ? 0 : value, y.dtype)
  }

  func run(_ target: UnsafeMutableRawPointer) {
    for s in slices {
      for o in 0..<s.outer {
        for place in s.places {
          Blocks.fill(
            target + (o * s.size + place) * s.inner * elementBytes, with: element.storage.bytes,
            count: s.inner, elementBytes: elementBytes)
        }
      }
    }
  }
}

extension Resize {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    let rest = (1..<4).map { g.has($0) ? g.inputs[$0] : nil as B.Value? }
    let inputs = isLegacy ? [nil, rest[0], nil] : rest
    var op = self
    op.extrapolation = 0
    g.give(0, try b.apply(ResizeGradient(op), inputs: [try g.upstream(), x] + inputs))
  }
}
