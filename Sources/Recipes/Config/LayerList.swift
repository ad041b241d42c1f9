import Formats
import Layers
import Tensors
import Training

/// Layers from their names and settings, `dense: 64` or `dense: {units: 64, activation: relu}`.
struct LayerList {
  let path: String

  static let names = [
    "dense", "dropout", "activation", "flatten", "reshape", "conv1d", "conv2d", "max_pooling1d",
    "max_pooling2d", "average_pooling2d", "global_average_pooling1d", "global_average_pooling2d",
    "batch_normalization", "layer_normalization", "embedding", "positions", "lstm", "gru",
    "simple_rnn", "transformer", "random_flip", "random_rotation", "random_zoom",
    "random_translation",
  ]

  /// - Errors: `.usage` for a name or setting that is not there; `.malformed` for a wrong value.
  func layers(_ list: [JSONValue]) throws(EngineError) -> [Layer] {
    var made: [Layer] = []
    for (i, item) in list.enumerated() {
      let (name, settings): (String, JSONValue)
      switch item {
      case .string(let s): (name, settings) = (s, [:])
      case .object(let o) where o.count == 1: (name, settings) = (o.keys[0], o.values[0])
      default:
        throw EngineError(
          .malformed, "layer \(i + 1) is not what it should be", expected: "name: settings",
          received: JSONWriter.string(of: item), subject: .init(file: path))
      }
      made.append(try layer(name, settings, "layers.\(i).\(name)"))
    }
    return made
  }

  /// The setting that a layer takes when only a value is given.
  private func main(_ name: String) -> String {
    switch name {
    case "dropout": "rate"
    case "random_flip": "mode"
    case "random_rotation", "random_zoom", "random_translation": "factor"
    case "activation": "function"
    case "reshape": "sizes"
    case "conv1d", "conv2d": "filters"
    case "embedding": "size"
    case "transformer": "heads"
    case "max_pooling1d", "max_pooling2d", "average_pooling2d": "size"
    default: "units"
    }
  }

  private func layer(
    _ name: String, _ settings: JSONValue, _ place: String
  ) throws(EngineError) -> Layer {
    let object: JSONValue =
      switch settings {
      case .object: settings
      case .null: [:]
      default: .object([main(name): settings])
      }
    var r = try ConfigReader(object, path: path, place: place)
    let made = try layer(name, &r, place)
    try r.finish()
    return made
  }

  private func layer(
    _ name: String, _ r: inout ConfigReader, _ place: String
  ) throws(EngineError) -> Layer {
    switch name {
    case "dense":
      return Dense(try units(&r), activation: try activation(&r, .linear))
    case "dropout": return Dropout(try r.number("rate") ?? 0.5)
    case "activation":
      let function = try r.text("function") ?? "relu"
      return Activation(try ActivationFunction(named: function))
    case "flatten": return Flatten()
    case "reshape": return Reshape(try r.integers("sizes") ?? [-1])
    case "conv1d", "conv2d": return try convolution(name, &r)
    case "max_pooling1d":
      return MaxPooling1D(
        try r.integer("size", 1...64) ?? 2, strides: try r.integer("strides", 1...64))
    case "max_pooling2d":
      return MaxPooling2D(
        try r.integer("size", 1...64) ?? 2, strides: try r.integer("strides", 1...64))
    case "average_pooling2d":
      return AveragePooling2D(
        try r.integer("size", 1...64) ?? 2, strides: try r.integer("strides", 1...64))
    case "global_average_pooling1d": return GlobalAveragePooling1D()
    case "global_average_pooling2d": return GlobalAveragePooling2D()
    case "batch_normalization": return BatchNormalization(momentum: try r.number("momentum") ?? 0.9)
    case "layer_normalization": return LayerNormalization()
    case "embedding":
      guard let count = try r.integer("count", 1...1 << 24) else {
        throw r.wrong("count", "the number of different inputs", .null)
      }
      return Embedding(count, try r.integer("size", 1...1 << 16) ?? 32)
    case "positions": return LearnedPositions(try r.integer("count", 1...1 << 20))
    case "lstm":
      return LSTM(
        try units(&r), returnsSequences: try r.flag("sequences") ?? false,
        dropout: try r.number("dropout") ?? 0)
    case "gru":
      return GRU(
        try units(&r), returnsSequences: try r.flag("sequences") ?? false,
        dropout: try r.number("dropout") ?? 0)
    case "simple_rnn":
      return SimpleRNN(try units(&r), returnsSequences: try r.flag("sequences") ?? false)
    case "transformer":
      let features = try r.integer("features", 1...1 << 16) ?? 64
      return TransformerEncoder(
        features, heads: try r.integer("heads", 1...1024) ?? 4,
        inner: try r.integer("inner", 1...1 << 18) ?? 4 * features,
        activation: try activation(&r, .gelu), dropout: try r.number("dropout") ?? 0.1,
        normalizesFirst: true, isCausal: try r.flag("causal") ?? false)
    case "random_flip":
      let mode = try r.text("mode") ?? "both"
      guard let known = RandomFlip.Mode(rawValue: mode) else {
        throw r.wrong("mode", "horizontal, vertical or both", .string(mode))
      }
      return RandomFlip(known)
    case "random_rotation": return RandomRotation(try r.number("factor") ?? 0.1)
    case "random_zoom": return RandomZoom(try r.number("factor") ?? 0.1)
    case "random_translation":
      let factor = try r.number("factor") ?? 0.1
      return RandomTranslation(factor, factor)
    default:
      throw EngineError(
        .usage, "there is no layer '\(name)'", expected: Self.names.joined(separator: ", "),
        subject: .init(file: path))
    }
  }

  private func convolution(_ name: String, _ r: inout ConfigReader) throws(EngineError) -> Layer {
    guard let filters = try r.integer("filters", 1...1 << 16) else {
      throw r.wrong("filters", "how many filters", .null)
    }
    let size = try r.integer("size", 1...64) ?? 3
    let strides = try r.integer("strides", 1...64) ?? 1
    let padding = try r.text("padding") ?? "same"
    guard ["same", "valid"].contains(padding) else {
      throw r.wrong("padding", "same or valid", .string(padding))
    }
    let kept: Padding = padding == "same" ? .same : .valid
    let function = try activation(&r, .linear)
    return name == "conv1d"
      ? Conv1D(filters, size, strides: strides, padding: kept, activation: function)
      : Conv2D(filters, size, strides: strides, padding: kept, activation: function)
  }

  private func units(_ r: inout ConfigReader) throws(EngineError) -> Int {
    guard let units = try r.integer("units", 1...1 << 20) else {
      throw r.wrong("units", "how many units", .null)
    }
    return units
  }

  private func activation(
    _ r: inout ConfigReader, _ standard: ActivationFunction
  ) throws(EngineError) -> ActivationFunction {
    guard let name = try r.text("activation") else { return standard }
    do throws(EngineError) { return try ActivationFunction(named: name) } catch {
      throw error.at(file: path)
    }
  }
}
