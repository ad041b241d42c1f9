import Graphs
import Runtime
import Tensors

/// Makes a smaller, faster model of a float one and measures what that costs.
///
/// Layers are convolutions, matrix products and tables of rows with constant weights in the outermost
/// graph; what lies in the bodies of If, Loop and Scan stays in float.
///
/// ```swift
/// var options = QuantizationOptions(mode: .static)
/// options.method = .percentile
/// let quantizer = try Quantizer(model, options)
/// let rows = try TensorBatches(["x": images], for: try Session(model).inputs)
/// let result = try quantizer.run(calibration: rows)
/// ```
public struct Quantizer {
  public let options: QuantizationOptions
  private let prepared: PreparedModel
  private let layers: [Layer]
  private let excluded: [Layer]
  private let threads: Int?
  private let parameterBytes: Int
  /// Hears how far the work has come.
  public var progress: QuantizationProgress.Observer?

  /// Reads the model's layers.
  ///
  /// Errors: `.usage` for options that contradict each other, for names in `exclude` that no layer
  /// has, and for a compiled model; `.invalidModel` for a model that is quantised already or has
  /// nothing to quantise.
  public init(
    _ model: ModelGraph, _ options: QuantizationOptions, threads: Int? = nil
  ) throws(EngineError) {
    try options.check()
    self.options = options
    self.threads = threads
    parameterBytes = GraphStatistics(model.graph).parameterBytes
    prepared = try PreparedModel(model)
    let all = Layer.all(GraphEditor(prepared.graph, using: prepared.lookup), options)
    let isHalf = options.mode == .fp16 || options.mode == .bf16
    guard !all.isEmpty || (isHalf && prepared.hasFloatWeights) else {
      throw EngineError(
        .invalidModel, "the model has nothing to quantise",
        expected: "a convolution, a matrix product or a table of rows with constant float32 weights"
      )
    }
    let names = try LayerNames(options.exclude, of: all)
    layers = all.filter { !names.contains($0.name) }
    excluded = all.filter { names.contains($0.name) }
    guard !layers.isEmpty || isHalf else {
      throw EngineError(
        .usage, "every layer is excluded", expected: "some of \(all.count) to quantise")
    }
  }

  /// The names of the layers that will be quantised.
  public var layerNames: [String] { layers.map(\.name) }

  /// Quantises.
  ///
  /// - `calibration`: rows by which ranges are chosen; needed for mode `static`, GPTQ, smoothing and
  ///   bias correction.
  /// - `test`: rows that the result is measured on; nil for those of the calibration.
  /// - `labels`: what the first output should be on the test rows.
  /// - Errors: `.usage` where data are missing; `.value` for NaN and infinities in them, and where no
  ///   layer can be quantised within the allowed drop; `.shape`, `.dtype` where they do not fit.
  public func run(
    calibration: (any CalibrationData)? = nil, test: (any CalibrationData)? = nil,
    labels: Labels? = nil
  ) throws(EngineError) -> QuantizedModel {
    if options.needsCalibration, calibration == nil {
      throw EngineError(.usage, "calibration data are needed", expected: "rows of inputs")
    }
    if options.maxDrop != nil, calibration == nil, test == nil {
      throw EngineError(
        .usage, "rows to measure the drop on are needed", expected: "rows of inputs")
    }
    var (start, active) = (prepared, layers)
    var report = QuantizationReport(options)
    if let strength = options.smooth, let calibration {
      (start, active) = try smoothed(strength, calibration, &report)
    }
    let found = try calibrated(start, active, calibration)
    report.calibrationRows = found.rows
    let rewrite = { (some: [Layer]) throws(EngineError) in try rewritten(start, some, found) }
    var done: Rewritten
    var quantised = active
    var kept = excluded.map {
      QuantizationReport.Kept(name: $0.name, operatorName: $0.operatorName, reason: "excluded")
    }
    var comparison: Evaluator.Comparison?
    let rows = test ?? calibration
    let evaluator = try rows.map { (rows) throws(EngineError) in
      try Evaluator(start, rows, labels, threads: threads, progress: progress)
    }
    if let maxDrop = options.maxDrop, let evaluator, !active.isEmpty {
      let search = PrecisionSearch(
        evaluator: evaluator, maxDrop: maxDrop, probeRows: options.probeRows, rewrite: rewrite,
        progress: progress)
      let result = try search.run(active)
      (done, quantised, comparison) = (result.rewritten, result.quantised, result.comparison)
      kept += result.kept.map {
        .init(
          name: $0.layer.name, operatorName: $0.layer.operatorName,
          reason: "allowed drop; alone it leaves the outputs \(rounded($0.ratio)) dB")
      }
    } else {
      done = try rewrite(active)
      comparison = try evaluator?.compare(done.model, stage: "measuring")
    }
    var model = done.model
    QuantizationMetadata.add(to: &model, options, kept)
    report.kept = kept
    report.notes += done.notes.map { "\($0.layer): \($0.reason)" }
    report.fill(done, quantised, try evaluator?.probe(done, limit: options.probeRows) ?? [:])
    if let comparison { report.fill(comparison, labels) }
    if report.drawings.isEmpty { report.drawings = weightDrawings(start, quantised) }
    report.parameterBytes = (parameterBytes, GraphStatistics(model.graph).parameterBytes)
    return QuantizedModel(model: model, report: report)
  }

  /// The weights of each layer, where activations have no ranges.
  private func weightDrawings(
    _ model: PreparedModel, _ layers: [Layer]
  ) -> [QuantizationReport.Drawing] {
    let constants = Dictionary(
      model.graph.initializers.map { ($0.id, $0.tensor) }, uniquingKeysWith: { a, _ in a })
    return layers.compactMap { layer in
      guard let tensor = layer.weight.flatMap({ constants[$0] }) else { return nil }
      var histogram = Histogram()
      guard let (low, high) = histogram.add(tensor) else { return nil }
      return .init(
        name: layer.name, histogram: histogram, range: min(low, 0)...max(high, 0))
    }
  }

  private func smoothed(
    _ strength: Double, _ data: any CalibrationData, _ report: inout QuantizationReport
  ) throws(EngineError) -> (PreparedModel, [Layer]) {
    let editor = GraphEditor(prepared.graph, using: prepared.lookup)
    let places = Smoothing.places(editor, layers)
    guard !places.isEmpty else {
      report.notes.append("nothing to smooth: no normalisation feeds a matrix product")
      return (prepared, layers)
    }
    var wanted = Calibrator.Wanted()
    wanted.maxima = Set(places.keys)
    let found = try Calibrator(prepared: prepared, threads: threads, progress: progress)
      .run(data, wanted, stage: "looking for outliers")
    let (model, count) = try Smoothing(prepared: prepared, strength: strength).run(layers, found)
    report.notes.append("\(count) values smoothed")
    let names = Set(layers.map(\.name))
    let all = Layer.all(GraphEditor(model.graph, using: model.lookup), options)
    return (model, all.filter { names.contains($0.name) })
  }

  private func calibrated(
    _ model: PreparedModel, _ layers: [Layer], _ data: (any CalibrationData)?
  ) throws(EngineError) -> Calibration {
    guard let data else { return Calibration() }
    var wanted = Calibrator.Wanted()
    if options.mode == .static {
      let editor = GraphEditor(model.graph, using: model.lookup)
      // With fewer layers there are fewer quantisers, and none elsewhere.
      wanted.ranges = Placement(editor, layers).quantised
    }
    for layer in layers where options.biasCorrection {
      if let axis = BiasChange.axis(layer) { wanted.means[layer.input] = axis }
    }
    if options.gptq { wanted.hessians = Set(layers.filter(\.isProduct).map(\.input)) }
    guard !wanted.all.isEmpty else { return Calibration() }
    return try Calibrator(prepared: model, threads: threads, progress: progress).run(data, wanted)
  }

  private func rewritten(
    _ model: PreparedModel, _ layers: [Layer], _ found: Calibration
  ) throws(EngineError) -> Rewritten {
    switch options.mode {
    case .static:
      try StaticRewriting(prepared: model, options: options, calibration: found).run(layers)
    case .dynamic:
      try DynamicRewriting(prepared: model, options: options, calibration: found).run(layers)
    case .weights4, .weights8:
      try WeightRewriting(prepared: model, options: options, calibration: found).run(layers)
    case .fp16, .bf16:
      try HalfRewriting(prepared: model, options: options).run(
        keeping: { name in excluded.contains { $0.name == name } })
    }
  }
}

/// A number with one digit after the point.
func rounded(_ x: Double) -> String { x.isFinite ? "\((x * 10).rounded() / 10)" : "\(x)" }
