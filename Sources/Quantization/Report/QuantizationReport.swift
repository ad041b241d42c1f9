import Tensors

/// What quantising did to a model, layer by layer.
public struct QuantizationReport: Sendable {
  public struct LayerRow: Sendable {
    public let name: String
    public let operatorName: String
    /// Signal over noise of the weights, in decibels; nil where there are none.
    public let weights: Double?
    /// Signal over noise of the result within the quantised model, in decibels; nil where nobody
    /// looked.
    public let activations: Double?
  }
  public struct OutputRow: Sendable {
    public let name: String
    /// In decibels.
    public let ratio: Double
    /// The root of the mean squared error over that of the mean square.
    public let relative: Double
  }
  public struct Kept: Sendable {
    public let name: String
    public let operatorName: String
    public let reason: String
  }
  /// A distribution, and the range that was chosen for it.
  public struct Drawing: Sendable {
    public let name: String
    public let histogram: Histogram
    public let range: ClosedRange<Float>
  }

  public let options: QuantizationOptions
  /// The worst first: by activations, then by weights.
  public internal(set) var layers: [LayerRow] = []
  public internal(set) var outputs: [OutputRow] = []
  /// The metric on labelled rows before and after; nil without labels.
  public internal(set) var metric: (kind: Labels.Metric, before: Double, after: Double)?
  /// Rows that outputs and metric were measured on.
  public internal(set) var rows = 0
  public internal(set) var calibrationRows = 0
  public internal(set) var kept: [Kept] = []
  public internal(set) var notes: [String] = []
  public internal(set) var parameterBytes = (before: 0, after: 0)
  public internal(set) var drawings: [Drawing] = []

  init(_ options: QuantizationOptions) { self.options = options }

  /// What was done, in a line: `static int8, method percentile 99.99, per channel`.
  public var summary: String {
    var parts: [String] = []
    let bits = options.mode == .weights4 ? 4 : 8
    switch options.mode {
    case .static:
      parts.append("static int8")
      parts.append(
        "method \(options.method.rawValue)"
          + (options.method == .percentile ? " \(options.percentile)" : ""))
      parts.append(options.symmetric ? "activations int8" : "activations uint8")
    case .dynamic: parts.append("dynamic int8")
    case .weights4, .weights8:
      parts.append("weights in \(bits) bits")
      parts.append("blocks of \(options.block)")
      parts.append(options.gptq ? "GPTQ" : "rounded to nearest")
      parts.append(options.format == .qdq ? "DequantizeLinear" : "MatMulNBits")
    case .fp16: parts.append("weights in float16")
    case .bf16: parts.append("weights in bfloat16")
    }
    if options.mode == .static || options.mode == .dynamic {
      parts.append(options.perChannel ? "per channel" : "per tensor")
    }
    if let smooth = options.smooth { parts.append("smoothed \(smooth)") }
    if options.biasCorrection { parts.append("biases corrected") }
    return parts.joined(separator: ", ")
  }
}
