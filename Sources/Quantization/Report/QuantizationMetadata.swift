import Formats
import Graphs

/// What a quantised model says of itself, under `dlrun.quantization`.
enum QuantizationMetadata {
  static let key = "dlrun.quantization"

  static func text(_ options: QuantizationOptions, _ kept: [QuantizationReport.Kept]) -> String {
    var object: JSONObject = ["mode": .string(options.mode.rawValue)]
    switch options.mode {
    case .static:
      object.append("method", .string(options.method.rawValue))
      if options.method == .percentile { object.append("percentile", .double(options.percentile)) }
      object.append("symmetric", .bool(options.symmetric))
      object.append("per_channel", .bool(options.perChannel))
    case .dynamic: object.append("per_channel", .bool(options.perChannel))
    case .weights4, .weights8:
      object.append("block", .int(Int64(options.block)))
      object.append("format", .string(options.format.rawValue))
      object.append("gptq", .bool(options.gptq))
    case .fp16, .bf16: break
    }
    if let smooth = options.smooth { object.append("smooth", .double(smooth)) }
    if options.biasCorrection { object.append("bias_correction", .bool(true)) }
    object.append("float_layers", .array(kept.map { .string($0.name) }))
    return JSONWriter.string(of: .object(object))
  }

  static func add(
    to model: inout ModelGraph, _ options: QuantizationOptions, _ kept: [QuantizationReport.Kept]
  ) {
    model.metadata.removeAll { $0.key == key }
    model.metadata.append(.init(key, text(options, kept)))
    // The digest was that of the float model.
    model.metadata.removeAll { $0.key == "dlrun.sha256" }
  }
}
