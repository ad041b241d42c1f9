import Layers
import Tensors
import Training

/// The layers for a problem when the settings name none.
enum StandardNetwork {
  static func layers(_ problem: Problem) -> [Layer] {
    let samples = problem.train.count
    if case .characters(let names) = problem.goal {
      return [Embedding(names.count, 32), LSTM(96, returnsSequences: true)]
    }
    let sizes = problem.encoding.sampleSizes
    if sizes.count == 3 {
      var list: [Layer] = []
      var side = min(sizes[1], sizes[2])
      var filters = 16
      while true {
        list.append(Conv2D(filters, 3, padding: .same, activation: .relu))
        if side < 8 || filters >= 128 { break }
        list.append(Conv2D(filters * 2, 3, padding: .same, activation: .relu))
        list.append(MaxPooling2D(2))
        side /= 2
        filters *= 2
      }
      if side <= 4 { list.append(Flatten()) } else { list.append(GlobalAveragePooling2D()) }
      list.append(Dropout(0.2))
      return list
    }
    var list: [Layer] = sizes.count == 1 ? [] : [Flatten()]
    var isNumber = false
    if case .number = problem.goal { isNumber = true }
    if samples < smallData {
      // Few samples are soon known by heart: one layer, and for classes dropout.
      list.append(Dense(32, activation: .relu))
      list.append(isNumber ? Dense(16, activation: .relu) : Dropout(0.3))
      return list
    }
    let width = samples < 5000 ? 64 : 128
    list.append(Dense(width, activation: .relu))
    if !isNumber { list.append(Dropout(0.1)) }
    list.append(Dense(width / 2, activation: .relu))
    return list
  }

  /// Below this many samples networks are smaller and weights decay faster.
  static let smallData = 1000

  /// AdamW's, where the settings say none.
  static func weightDecay(_ problem: Problem) -> Double {
    problem.train.count < smallData ? 0.1 : 0.01
  }

  /// Samples of a step: twenty steps an epoch or more, where there are enough.
  static func batchSize(_ problem: Problem) -> Int {
    var size = 8
    while size < 128, size * 40 <= problem.train.count { size *= 2 }
    if case .characters = problem.goal { return min(size, 32) }
    return size
  }

  static func epochs(_ problem: Problem) -> Int {
    if case .characters = problem.goal { return 10 }
    return problem.train.count < 2000 ? 200 : problem.train.count < 20_000 ? 60 : 20
  }
}
