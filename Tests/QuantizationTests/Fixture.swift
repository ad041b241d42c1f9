import Formats
import Graphs
import Runtime
import Tensors

@testable import Quantization

/// The networks of `tools/fixtures/quantization_models.py` with their rows.
enum Fixture: String, CaseIterable {
  case digitsCNN = "digits_cnn"
  case digitsTransformer = "digits_transformer"
  case cancerMLP = "cancer_mlp"
  case digitsOutliers = "digits_outliers"

  static let folder: String = {
    let here = #filePath
    return String(here[..<(here.lastIndex(of: "/") ?? here.endIndex)]) + "/Fixtures/"
  }()

  func model() throws -> ModelGraph {
    try ModelFile.read(contentsOf: Self.folder + rawValue + ".onnx")
  }

  /// Rows to calibrate on, rows to test on and their labels.
  func data() throws -> (TensorBatches, TensorBatches, Labels) {
    let ports = try Session(try model(), options: .init(threads: 1)).inputs
    if self == .cancerMLP {
      func table(_ name: String) throws -> (Tensor, Tensor) {
        let reader = try CSVReader(path: Self.folder + name)
        let all = try reader.readAll(columns: nil)
        let width = all.shape[1]
        let x = Array(all.elements(Float.self))
        let features = (0..<all.count).filter { $0 % width < width - 1 }.map { x[$0] }
        let labels = (0..<all.shape[0]).map { x[$0 * width + width - 1] }
        return (try Tensor(shape: [all.shape[0], width - 1], features), try Tensor(labels))
      }
      let (train, test) = (try table("cancer_train.csv"), try table("cancer_test.csv"))
      return (
        try TensorBatches(["x": train.0], for: ports, batch: 32),
        try TensorBatches(["x": test.0], for: ports, batch: 64),
        try Labels(test.1, metric: .accuracy)
      )
    }
    var arrays: [String: Tensor] = [:]
    for (name, value) in try TensorFile.read(Self.folder + "digits.npz") {
      arrays[name ?? ""] = value
    }
    guard let x = arrays["x"], let test = arrays["test_x"], let labels = arrays["labels"] else {
      throw EngineError(.inputMissing, "the fixture lacks an array")
    }
    return (
      try TensorBatches(["x": x], for: ports, batch: 32),
      try TensorBatches(["x": test], for: ports, batch: 128),
      try Labels(labels, metric: .accuracy)
    )
  }

  func quantised(_ options: QuantizationOptions) throws -> QuantizedModel {
    let (calibration, test, labels) = try data()
    return try Quantizer(try model(), options, threads: 1)
      .run(calibration: calibration, test: test, labels: labels)
  }
}
