import Glibc
import Graphs
import Tensors

/// The matrix that turns linear frequencies into overlapping triangles on the mel scale.
///
/// - Formula: `mel(f) = 2595 log10(1 + f / 700)`; the triangles' corners stand at equal distances
///   in mel from `lower_edge_hertz`, `num_mel_bins + 2` steps to `upper_edge_hertz`.
/// - `num_mel_bins`, `dft_length`, `sample_rate`: int32 or int64 scalars. `lower_edge_hertz`,
///   `upper_edge_hertz`: float scalars.
/// - Output: `[dft_length / 2 + 1, num_mel_bins]` of `output_datatype`, any numeric type; default
///   float32; integers drop the fraction.
/// - Errors: `.shape` for negative sizes, `.value` for a rate below 1 or a corner beyond half of it.
/// - Source: ONNX MelWeightMatrix 17.
public struct MelWeightMatrix: Operator {
  public let dtype: DType

  public static let schema = Schema(
    "MelWeightMatrix", versions: [17],
    inputs: [
      Parameter("num_mel_bins", .indices, "T1", shape: true),
      Parameter("dft_length", .indices, "T1", shape: true),
      Parameter("sample_rate", .indices, "T1", shape: true),
      Parameter("lower_edge_hertz", .floats, "T2"), Parameter("upper_edge_hertz", .floats, "T2"),
    ],
    outputs: [Parameter("output", .numeric, "T3")],
    attributes: [
      AttributeSpec("output_datatype", .int, "type number of the result; default 1, float")
    ],
    cases: {
      [
        .init(
          MelWeightMatrix(),
          [
            try Tensor(scalar: 4 as Int64), try Tensor(scalar: 16 as Int64),
            try Tensor(scalar: 8192 as Int64), try Tensor(scalar: 0 as Float),
            try Tensor(scalar: 4096 as Float),
          ])
      ]
    })

  public init(dtype: DType = .float32) { self.dtype = dtype }
  public init(reading a: AttributeReader) throws(EngineError) {
    dtype = try a.dtype("output_datatype", default: .float32)
  }
  public var attributes: [Attribute] { [.dtype("output_datatype", dtype)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try Random.check(dtype, .numeric)
    let bins = try Signal.number(c, 0)
    let length = try Signal.number(c, 1)
    try Signal.checkPositive(bins?.known, "num_mel_bins", from: 0)
    try Signal.checkPositive(length?.known, "dft_length", from: 0)
    for i in 3...4 {
      if let count = c.dims(i)?.reduce(1, *).known, count != 1 {
        throw EngineError(.shape, "input \(i) must be one number", received: "\(count) elements")
      }
    }
    let rows: Dim = length?.known.map { Dim($0 / 2 + 1) } ?? c.unknown()
    return [Fact(dtype, [rows, bins ?? c.unknown()])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    guard DTypes.numeric.contains(y.dtype), let bins = try Signal.number(p, 0),
      let length = try Signal.number(p, 1), let rate = try Signal.number(p, 2)
    else { throw p.noKernel() }
    guard rate > 0 else {
      throw EngineError(.value, "the sample rate must be positive", received: "\(rate)")
    }
    let (low, high) = (try p.input(3).dtype, try p.input(4).dtype)
    let rows = y.shape[0]
    return Prepared(scratchBytes: (bins + 2) * 8) { (m) throws(EngineError) in
      func mel(_ hertz: Double) -> Double { 2595 * log1p(hertz / 700) / log(10) }
      let first = mel(loadNumber(m.inputs[3], 0, low))
      let last = mel(loadNumber(m.inputs[4], 0, high))
      let step = (last - first) / Double(bins + 2)
      let corners = m.scratch.assumingMemoryBound(to: Int.self)
      for i in 0..<bins + 2 {
        let hertz = 700 * expm1((Double(i) * step + first) / 2595 * log(10))
        let row = ((Double(length) + 1) * hertz / Double(rate)).rounded(.down)
        guard row >= 0, row < Double(rows) || (i == bins + 1 && row <= Double(rows)) else {
          throw EngineError(
            .value, "corner \(i) of the mel bins lies outside the spectrum",
            expected: "a row from 0 to \(rows - 1)", received: "\(row)")
        }
        corners[i] = Int(row)
      }
      // Zeros of every numeric type.
      m.outputs[0].initializeMemory(as: UInt8.self, repeating: 0, count: y.byteCount)
      for i in 0..<bins {
        let (left, top, right) = (corners[i], corners[i + 1], corners[i + 2])
        func put(_ value: Double, _ row: Int) {
          storeNumber(value, m.outputs[0], row * bins + i, y.dtype)
        }
        if left == top { put(1, top) }
        if left < top {
          for j in left...top { put(Double(j - left) / Double(top - left), j) }
        }
        if top < right {
          for j in top..<right { put(Double(right - j) / Double(right - top), j) }
        }
      }
    }
  }
}
