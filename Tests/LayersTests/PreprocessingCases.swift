import Glibc
import Layers
import Tensors
import Training

/// The layers of `Fixtures/preprocessing.json`, under the names that
/// `tools/oracle/training/preprocessing_fixtures.py` gives them.
enum PreprocessingCases {
  /// A layer for the inputs of a case.
  typealias Make = ([Tensor]) throws -> Layer

  static func adapted(_ layer: Normalization, _ x: Tensor) throws -> Layer {
    try layer.adapt(x)
    return layer
  }
  static func adapted(_ layer: Discretization, _ x: Tensor) throws -> Layer {
    try layer.adapt(x)
    return layer
  }
  static func adapted(_ layer: StringLookup, _ x: Tensor) throws -> Layer {
    try layer.adapt(x)
    return layer
  }
  static func adapted(_ layer: TextVectorization, _ x: Tensor) throws -> Layer {
    try layer.adapt(x)
    return layer
  }
  static func waves(_ n: Int, _ scale: Double) throws -> Tensor {
    try Tensor((0..<n).map { Float(scale * Glibc.sin(0.61 * Double($0) + 0.3)) })
  }

  nonisolated(unsafe) static let all: [String: Make] =
    numbers.merging(lookups) { a, _ in a }.merging(texts) { a, _ in a }
    .merging(images) { a, _ in a }

  nonisolated(unsafe) private static let numbers: [String: Make] = [
    "rescaling": { _ in Rescaling(1 / 127.5, offset: -1) },
    "normalization": { try adapted(Normalization(), $0[0]) },
    "normalization of one": { try adapted(Normalization(axis: nil), $0[0]) },
    "normalization given": { _ in
      Normalization(mean: [1, 2, 3], variance: [4, 1, 0.25])
    },
    "normalization inverted": { _ in Normalization(mean: [3], variance: [2], inverts: true) },
    "discretization": { _ in try Discretization([-0.5, 0, 0.25]) },
    "discretization adapted": { _ in
      try adapted(Discretization(bins: 4), waves(50, 5))
    },
    "discretization of many": { _ in
      try adapted(Discretization(bins: 7, epsilon: 0.02), waves(500, 3))
    },
    "discretization one hot": { _ in try Discretization([0], output: .oneHot) },
    "category one hot": { _ in CategoryEncoding(4, output: .oneHot) },
    "category multi hot": { _ in CategoryEncoding(4) },
    "category count": { _ in CategoryEncoding(4, output: .count) },
    "category weighted": { _ in CategoryEncoding(4, output: .count) },
  ]

  nonisolated(unsafe) private static let lookups: [String: Make] = [
    "string lookup": { _ in try StringLookup(["a", "b", "c"]) },
    "string lookup masked": { _ in try StringLookup(["a", "b", "c"], mask: "") },
    "string lookup of several unknown": { _ in try StringLookup(["a"], unknowns: 3) },
    "string lookup adapted": { _ in
      let data = try Tensor(shape: [2, 3], strings: ["d", "a", "d", "b", "a", "c"])
      return try adapted(StringLookup(limit: 4), data)
    },
    "string lookup multi hot": { _ in try StringLookup(["a", "b", "c"], output: .multiHot) },
    "string lookup count masked": { _ in
      try StringLookup(["a", "b", "c"], mask: "", output: .count)
    },
    "string lookup tf idf": { try adapted(StringLookup(output: .tfIDF), $0[0]) },
    "string lookup inverted": { _ in try StringLookup(["a", "b"], inverts: true) },
    "integer lookup": { _ in try IntegerLookup([12, 36, 7]) },
    "integer lookup masked": { _ in try IntegerLookup([12, 36], mask: 0) },
    "integer lookup of several unknown": { _ in try IntegerLookup([12], unknowns: 3) },
    "integer lookup one hot": { _ in try IntegerLookup([12, 36], output: .oneHot) },
    "integer lookup inverted": { _ in try IntegerLookup([12, 36], inverts: true) },
    "hashing": { _ in Hashing(1000) },
    "hashing masked": { _ in Hashing(20, mask: .text("")) },
    "crossing": { _ in HashedCrossing(100) },
    "crossing with numbers": { _ in HashedCrossing(100) },
  ]

  nonisolated(unsafe) private static let texts: [String: Make] = [
    "text": { try adapted(TextVectorization(), $0[0]) },
    "text of a length": { try adapted(TextVectorization(limit: 6, length: 4), $0[0]) },
    "text lower": { try adapted(TextVectorization(standardize: .lower, length: 6), $0[0]) },
    "text characters": {
      try adapted(TextVectorization(standardize: .none, split: .character), $0[0])
    },
    "text ngrams": { try adapted(TextVectorization(ngrams: 2, output: .count), $0[0]) },
    "text multi hot": { try adapted(TextVectorization(output: .multiHot), $0[0]) },
    "text tf idf": { try adapted(TextVectorization(output: .tfIDF), $0[0]) },
  ]

  nonisolated(unsafe) private static let images: [String: Make] = {
    var list: [String: Make] = [
      "resizing": { _ in Resizing(4, 9, dataFormat: .channelsLast) },
      "resizing nearest": { _ in Resizing(4, 9, isNearest: true, dataFormat: .channelsLast) },
      "resizing cropped": { _ in Resizing(4, 4, cropsToRatio: true, dataFormat: .channelsLast) },
      "center crop": { _ in CenterCrop(3, 4, dataFormat: .channelsLast) },
      "center crop of small": { _ in CenterCrop(8, 5, dataFormat: .channelsLast) },
      "brightness": { _ in RandomBrightness(0.3...0.3, dataFormat: .channelsLast) },
    ]
    for (name, fill) in [
      ("constant", ImageFill.constant(0)), ("nearest", .nearest), ("reflect", .reflect),
    ] {
      list["rotation \(name)"] = { _ in
        RandomRotation(0.1...0.1, fill: fill, dataFormat: .channelsLast)
      }
      list["zoom \(name)"] = { _ in
        RandomZoom(
          height: 0.3...0.3, width: -0.2...(-0.2), fill: fill, dataFormat: .channelsLast)
      }
      list["translation \(name)"] = { _ in
        RandomTranslation(
          height: 0.2...0.2, width: -0.3...(-0.3), fill: fill, dataFormat: .channelsLast)
      }
    }
    return list
  }()

  /// Cases that a graph cannot hold: hashes of strings, and texts cut by punctuation.
  static let isEager: Set<String> = [
    "string lookup of several unknown", "hashing", "hashing masked", "crossing",
    "crossing with numbers", "text", "text of a length", "text characters", "text ngrams",
    "text multi hot", "text tf idf",
  ]
}
