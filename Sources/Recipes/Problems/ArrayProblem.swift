import DataSets
import Formats
import Layers
import Tensors

/// Makes a problem of arrays: inputs with a sample along the first axis, and targets beside them.
struct ArrayProblem {
  let config: TrainConfig
  let path: String

  /// - `channels`: whether samples of two axes are images, `[H, W]`, and of three `[H, W, C]`.
  func problem(
    name: String, _ x: Tensor, _ y: Tensor, held: (x: Tensor, y: Tensor)? = nil,
    classNames: [String]? = nil, target: String = "target", isImage: Bool = false
  ) throws -> Problem {
    guard x.shape.rank >= 1, y.count == x.shape[0], x.shape[0] >= TableProblem.leastRows else {
      throw EngineError(
        .malformed, "inputs and targets do not fit",
        expected: "\(TableProblem.leastRows) samples or more, a target for each",
        received: "\(x.type) and \(y.type)", subject: .init(file: path))
    }
    guard let answers = y.doubles, answers.allSatisfy(\.isFinite) else {
      throw EngineError(
        .dtype, "targets must be finite numbers", received: "\(y.type)", subject: .init(file: path))
    }
    let goal = try goal(answers, y.dtype, classNames, target)
    var classes: [Int]?
    if case .classes = goal { classes = answers.map { Int($0) } }
    let raw = try inputs(x)
    var (learn, test): ([Int], [Int]) = (Array(answers.indices), [])
    if held == nil {
      (learn, test) = try DataOrder.split(
        answers.count, config.testShare, seed: config.seed, classes: classes)
    }
    let (first, second) = try DataOrder.split(
      learn.count, config.validationShare, seed: config.seed &+ 1,
      classes: classes.map { c in learn.map { c[$0] } })
    let (train, validation) = (first.map { learn[$0] }, second.map { learn[$0] })
    let encoding = try encoding(name, raw, train, isImage)
    let encoder = try Encoder(encoding)
    let scaled = try ArrayData([raw], [targets(answers, goal, scaled: true)])
    let plain = try ArrayData([raw], [targets(answers, goal, scaled: false)])
    var testData: any DataSet = plain.subset(test)
    if let held {
      guard let values = held.y.doubles else {
        throw EngineError(.dtype, "targets must be numbers", received: "\(held.y.type)")
      }
      if let bad = values.first(where: { v in classes != nil && (v < 0 || Int(v) >= goal.width) }) {
        throw EngineError(.value, "a class that training data do not have", received: "\(bad)")
      }
      testData = try ArrayData([inputs(held.x)], [targets(values, goal, scaled: false)])
    }
    return Problem(
      goal: goal, encoding: encoding, train: encoder.encoded(scaled.subset(train)),
      validation: encoder.encoded(scaled.subset(validation)), test: testData)
  }

  private func goal(
    _ answers: [Double], _ dtype: DType, _ names: [String]?, _ target: String
  ) throws(EngineError) -> Goal {
    let isWhole = answers.allSatisfy { $0 == $0.rounded() && $0 >= 0 && $0 < 1_048_576 }
    let isClass = config.task.map { $0 == "classes" } ?? (isWhole && !dtype.isFloat)
    guard isClass else {
      let (mean, deviation) = moments(answers)
      guard answers.contains(where: { $0 != answers[0] }) else { throw same(answers[0]) }
      return .number(name: target, mean: mean, deviation: deviation)
    }
    guard isWhole else {
      throw EngineError(
        .malformed, "targets of classes must be whole numbers from 0", subject: .init(file: path))
    }
    let count = max(names?.count ?? 0, Int(answers.max() ?? 0) + 1)
    guard count >= 2, Set(answers).count > 1 else { throw same(answers[0]) }
    return .classes(names ?? (0..<count).map { "\($0)" })
  }

  private func same(_ value: Double) -> EngineError {
    EngineError(
      .malformed, "every sample has the same target, so there is nothing to tell apart",
      received: "\(value) alone", subject: .init(file: path))
  }

  private func targets(
    _ answers: [Double], _ goal: Goal, scaled: Bool
  ) throws(EngineError) -> Tensor {
    guard case .number(_, let mean, let deviation) = goal else {
      return try Tensor(answers.map { Int64($0) })
    }
    return try Tensor(
      shape: [answers.count, 1],
      answers.map { Float(scaled ? ($0 - mean) / deviation : $0) })
  }

  /// Inputs as the saved model takes them: uint8 and float32 as they are, others as float32.
  private func inputs(_ x: Tensor) throws(EngineError) -> Tensor {
    if x.dtype == .float32 || (takesTokens && x.dtype == .int64) { return x }
    guard let values = x.doubles else {
      throw EngineError(
        .dtype, "inputs must be numbers", received: "\(x.type)", subject: .init(file: path))
    }
    return takesTokens
      ? try Tensor(shape: x.shape, values.map { Int64($0) })
      : try Tensor(shape: x.shape, values.map { Float($0) })
  }

  /// Whether the first layer of the settings is an embedding.
  private var takesTokens: Bool {
    guard let object = config.layers.first?.asObject else { return false }
    return object.keys.first == "embedding"
  }

  private func encoding(
    _ name: String, _ x: Tensor, _ rows: [Int], _ isImage: Bool
  ) throws(EngineError) -> any Encoding {
    let sizes = Array(x.shape.array.dropFirst())
    if takesTokens { return TokenEncoding(name: name, sizes: sizes) }
    let part = try gatherRows(x, Array(rows.prefix(4096)))
    let (mean, deviation) = moments((part.doubles ?? []).filter(\.isFinite))
    var layout = PixelEncoding.Layout.plain
    if isImage { layout = sizes.count == 2 ? .addsChannel : .movesChannels }
    if let (h, w) = config.imageSize, sizes == [h * w] { layout = .folds(height: h, width: w) }
    return PixelEncoding(
      name: name, dtype: x.dtype, sizes: sizes, mean: Float(mean), scale: Float(1 / deviation),
      layout: layout)
  }
}
