import DataSets
import Formats
import Foundation
import Recipes
import Runtime
import Tensors
import TestSupport
import Testing

/// The repository.
private let root = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

@Suite struct RecipeTests {
  static func figure(_ report: TrainReport, _ name: String) throws -> Double {
    try #require(report.figures.first { $0.name == name }).value
  }

  /// scikit-learn 1.9.1's `load_breast_cancer`: 569 rows, 30 numbers. Means of five divisions.
  @Test func breastCancer() throws {
    try inTemporaryFolder { folder in
      var sum = 0.0
      for seed in 0..<5 {
        var recipe = Recipe(
          data: ["\(root)/Tests/RecipesTests/Fixtures/breast_cancer.csv"],
          output: "\(folder)/m.onnx")
        recipe.config.seed = UInt64(seed)
        let result = try recipe.run()
        sum += try Self.figure(result.report, "accuracy")
      }
      #expect(sum / 5 >= 0.97, "\(sum / 5)")
    }
  }

  @Test func irises() throws {
    try inTemporaryFolder { folder in
      let recipe = Recipe(data: ["\(root)/Models/iris.csv"], output: "\(folder)/m.onnx")
      let result = try recipe.run()
      #expect(try Self.figure(result.report, "accuracy") >= 0.96)
      // Held-out rows are counted once each.
      #expect(result.report.confusion.flatMap { $0 }.reduce(0, +) == 30)
      // The same run gives the same bytes.
      let first = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/m.onnx"))
      _ = try recipe.run()
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/m.onnx")) == first)
    }
  }

  @Test func archivesAndFineTuning() throws {
    try inTemporaryFolder { folder in
      let n = 120
      let x = (0..<n * 3).map { Float(($0 * 7919) % 101) / 50 - 1 }
      let y = (0..<n).map { Int64(x[3 * $0] + x[3 * $0 + 1] > 0 ? 1 : 0) }
      let path = "\(folder)/a.npz"
      try TensorFile.write([("x", Tensor(shape: [n, 3], x)), ("label", Tensor(y))], to: path)
      var recipe = Recipe(data: [path], output: "\(folder)/m.onnx")
      recipe.config.epochs = 30
      let first = try recipe.run()
      #expect(try Self.figure(first.report, "accuracy") > 0.8)
      recipe.base = "\(folder)/m.onnx"
      recipe.output = "\(folder)/tuned.onnx"
      recipe.config.epochs = 3
      let second = try recipe.run()
      #expect(try Self.figure(second.report, "accuracy") > 0.8)
      let session = try Session(ModelFile.read(contentsOf: "\(folder)/tuned.onnx"))
      #expect(session.inputs.map(\.name) == ["x"])
    }
  }

  @Test func textIsLearned() throws {
    try inTemporaryFolder { folder in
      let path = "\(folder)/t.txt"
      try String(repeating: "abcd ", count: 120).write(
        toFile: path, atomically: true, encoding: .utf8)
      var recipe = Recipe(data: [path], output: "\(folder)/m.onnx")
      recipe.config.window = 8
      recipe.config.epochs = 15
      recipe.config.layers = [
        ["embedding": ["count": 5, "size": 8]], "positions",
        ["transformer": ["features": 8, "heads": 2, "inner": 16, "causal": true, "dropout": 0]],
      ]
      let result = try recipe.run()
      #expect(try Self.figure(result.report, "accuracy") > 0.9)
    }
  }

  @Test func imagesAreLearned() throws {
    try inTemporaryFolder { folder in
      for (name, rgb) in [("blue", [0, 0, 200]), ("red", [200, 0, 0])] as [(String, [UInt8])] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/data/\(name)", withIntermediateDirectories: true)
        for i in 0..<12 {
          var bytes = Array("P6\n6 6\n255\n".utf8)
          for p in 0..<36 { bytes += rgb.map { $0 &+ UInt8((p * i) % 50) } }
          try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/data/\(name)/\(i).ppm"))
        }
      }
      var recipe = Recipe(data: ["\(folder)/data"], output: "\(folder)/m.onnx")
      recipe.config.epochs = 10
      recipe.config.layers = [["conv2d": ["filters": 4, "activation": "relu"]], "flatten"]
      recipe.config.shift = 1
      let result = try recipe.run()
      #expect(try Self.figure(result.report, "accuracy") == 1)
    }
  }

  @Test func settingsAreChecked() throws {
    try inTemporaryFolder { folder in
      func config(_ text: String) throws -> TrainConfig {
        try text.write(toFile: "\(folder)/c.yaml", atomically: true, encoding: .utf8)
        return try TrainConfig(contentsOf: "\(folder)/c.yaml")
      }
      let good = try config("optimizer: adam\nimage_size: [4, 6]\nbatch: 3\nschedule: constant")
      #expect(good.optimizer == "adam" && good.batchSize == 3 && good.imageSize?.width == 6)
      for bad in [
        "epochs: 0", "epochs: many", "optimizer: best", "layers: 3", "validation: 1.5", "foo: 1",
        "schedule: {name: linear}", "augment: {turn: 1}", "task: magic", "- 1",
      ] {
        #expect(throws: EngineError.self, "\(bad)") { try config(bad) }
      }
      for bad in ["- dnse: 4", "- dense: {unit: 4}", "- dense: x", "- 4"] {
        let settings = try config("layers:\n\(bad)")
        let recipe = Recipe(
          data: ["\(root)/Models/iris.csv"], output: "\(folder)/m.onnx", config: settings)
        #expect(throws: EngineError.self, "\(bad)") { try recipe.run() }
      }
    }
  }
}
