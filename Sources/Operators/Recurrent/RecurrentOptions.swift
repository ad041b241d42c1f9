import Graphs
import Kernels
import Tensors

/// The attributes that RNN, GRU and LSTM share.
public struct RecurrentOptions: Hashable, Sendable {
  public enum Direction: String, Sendable, CaseIterable {
    case forward, reverse, bidirectional
    /// Whether each direction runs backwards.
    var isReverse: [Bool] {
      switch self {
      case .forward: [false]
      case .reverse: [true]
      case .bidirectional: [false, true]
      }
    }
  }

  public var direction: Direction
  /// Names as the node has them; empty for the cell's default.
  public var activations: [String]
  public var alphas: [Float]
  public var betas: [Float]
  public var clip: Float?
  public var hiddenSize: Int?
  /// Whether the batch is the first axis of sequences and states.
  public var isBatchFirst: Bool

  public init(
    direction: Direction = .forward, activations: [String] = [], alphas: [Float] = [],
    betas: [Float] = [], clip: Float? = nil, hiddenSize: Int? = nil, isBatchFirst: Bool = false
  ) {
    self.direction = direction
    self.activations = activations
    self.alphas = alphas
    self.betas = betas
    self.clip = clip
    self.hiddenSize = hiddenSize
    self.isBatchFirst = isBatchFirst
  }

  init(reading a: AttributeReader) throws(EngineError) {
    // GRU 1 states its default with this spelling.
    let misspelt = a.opset < 3 ? ["foward"] : []
    let name = try a.string(
      "direction", default: "forward", oneOf: Direction.allCases.map(\.rawValue) + misspelt)
    direction = Direction(rawValue: name) ?? .forward
    activations = try a.strings("activations", default: [])
    alphas = try a.floats("activation_alpha", default: [])
    betas = try a.floats("activation_beta", default: [])
    clip = a.has("clip") ? try a.float("clip") : nil
    hiddenSize = try a.optionalInt("hidden_size")
    isBatchFirst = try a.bool("layout", default: false)
    if let clip, !(clip >= 0) {
      throw EngineError(
        .attribute, "attribute 'clip' is out of range", expected: "0 or more", received: "\(clip)")
    }
  }

  var attributes: [Attribute] {
    var list: [Attribute] = []
    if !alphas.isEmpty { list.append(.floats("activation_alpha", alphas)) }
    if !betas.isEmpty { list.append(.floats("activation_beta", betas)) }
    if !activations.isEmpty { list.append(.strings("activations", activations)) }
    if let clip { list.append(.float("clip", clip)) }
    if direction != .forward { list.append(.string("direction", direction.rawValue)) }
    if let hiddenSize { list.append(.int("hidden_size", hiddenSize)) }
    if isBatchFirst { list.append(.bool("layout", true)) }
    return list
  }

  static let specs = [
    AttributeSpec("activation_alpha", .floats, "alphas of the activations that take one, in order"),
    AttributeSpec("activation_beta", .floats, "betas of the activations that take one, in order"),
    AttributeSpec("activations", .strings, "functions of the gates, for each direction"),
    AttributeSpec("clip", .float, "bound on the inputs of activations; default none"),
    AttributeSpec("direction", .string, "forward (default), reverse or bidirectional"),
    AttributeSpec("hidden_size", .int, "neurons of the hidden layer; default from R"),
    AttributeSpec("layout", .int, "1: batch first; default 0: sequence first", since: 14),
    AttributeSpec(
      "output_sequence", .int, "before opset 7; all outputs that are named come", before: 7),
  ]

  /// The activations of all directions, numbers settled.
  ///
  /// Errors: `.attribute` for an unknown name or too few names.
  func settled(default names: [String]) throws(EngineError) -> [CellActivation] {
    let directions = direction.isReverse.count
    var list = activations.isEmpty ? names : activations
    if list.count == names.count && directions == 2 { list += list }
    guard list.count >= names.count * directions else {
      throw EngineError(
        .attribute, "too few activations", expected: "\(names.count * directions)",
        received: "\(list)")
    }
    var result: [CellActivation] = []
    var (a, b) = (0, 0)
    func alpha(_ standard: Float) -> Float {
      a += 1
      return a <= alphas.count ? alphas[a - 1] : standard
    }
    func beta(_ standard: Float) -> Float {
      b += 1
      return b <= betas.count ? betas[b - 1] : standard
    }
    for name in list.prefix(names.count * directions) {
      switch name.lowercased() {
      case "sigmoid": result.append(.sigmoid)
      case "tanh": result.append(.tanh)
      case "relu": result.append(.relu)
      case "softsign": result.append(.softsign)
      case "softplus": result.append(.softplus)
      case "affine": result.append(.affine(alpha(1), beta(0)))
      case "leakyrelu": result.append(.leakyRelu(alpha(0.01)))
      case "thresholdedrelu": result.append(.thresholdedRelu(alpha(1)))
      case "scaledtanh": result.append(.scaledTanh(alpha(1), beta(1)))
      case "hardsigmoid": result.append(.hardSigmoid(alpha(0.2), beta(0.5)))
      case "elu": result.append(.elu(alpha(1)))
      default:
        throw EngineError(
          .attribute, "unknown activation", expected: "Sigmoid, Tanh, Relu, Affine, ...",
          received: "'\(name)'")
      }
    }
    return result
  }
}
