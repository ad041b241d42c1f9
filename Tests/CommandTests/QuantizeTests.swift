import Formats
import Foundation
import Testing

@Suite struct QuantizeTests {
  private static let fixtures = "Tests/QuantizationTests/Fixtures/"
  private static let cnn = fixtures + "digits_cnn.onnx"
  private static let digits = fixtures + "digits.npz"

  private func json(_ text: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test(arguments: [
    [
      "--mode", "static", "--calibration", digits, "--method", "percentile", "--percentile", "99.9",
    ],
    ["--mode", "static", "--calibration", digits, "--method", "mse", "--per-tensor"],
    ["--mode", "dynamic"], ["--mode", "weights8"], ["--mode", "fp16"], ["--mode", "bf16"],
    ["--mode", "weights4", "--gptq", "--calibration", digits, "--block", "16"],
    ["--mode", "weights4", "--format", "matmulnbits"],
  ]) func everyModeWritesAModel(_ arguments: [String]) throws {
    try Command.inTemporaryFolder { folder in
      let output = folder + "/small.onnx"
      let r = try Command.run(["quantize", Self.cnn, "-o", output, "--json"] + arguments)
      #expect(r.status == 0 && r.error.isEmpty, "\(r.error)")
      let figures = try json(r.output)
      let bytes = try #require(figures["file_bytes"] as? [String: Int])
      let size = try FileManager.default.attributesOfItem(atPath: output)[.size] as? Int
      #expect(bytes["after"] == size)
      #expect(try #require(bytes["after"]) < #require(bytes["before"]))
      #expect((figures["layers"] as? [Any])?.isEmpty == false)
      #expect(figures["latency_seconds"] != nil)
      #expect(try Command.run(["check", output]).status == 0)
      let compared = try Command.run([
        "compare", Self.cnn, output, "--tolerance", "0.2", "--inputs", Self.digits,
      ])
      #expect(compared.status == 0, "\(compared.output)\(compared.error)")
    }
  }

  @Test func accuracyStandsBesideSize() throws {
    try Command.inTemporaryFolder { folder in
      let drawing = folder + "/ranges.svg"
      let r = try Command.run([
        "quantize", Self.fixtures + "cancer_mlp.onnx", "-o", folder + "/small.onnx", "--mode",
        "static", "--calibration", Self.fixtures + "cancer_train.csv", "--test",
        Self.fixtures + "cancer_test.csv", "--target", "malignant", "--max-drop", "0.01",
        "--report", drawing,
      ])
      #expect(r.status == 0 && r.error.isEmpty, "\(r.error)")
      for word in ["file", "latency", "accuracy", "285 rows", "layer, worst first"] {
        #expect(r.output.contains(word), "\(r.output)")
      }
      let lines = r.output.split { $0 == "\n" }
      #expect(lines.dropFirst().allSatisfy { $0.count <= 100 })
      let svg = try String(contentsOfFile: drawing, encoding: .utf8)
      #expect(svg.hasPrefix("<svg") && svg.hasSuffix("</svg>\n"))
    }
  }

  @Test func outliersAreKeptInFloat() throws {
    try Command.inTemporaryFolder { folder in
      let r = try Command.run([
        "quantize", Self.fixtures + "digits_outliers.onnx", "-o", folder + "/small.onnx", "--mode",
        "static", "--calibration", Self.digits, "--test", "x=" + folder + "/x.npy", "--labels",
        Self.digits, "--target", "labels", "--max-drop", "0.01", "--json",
      ])
      // The test rows are not there yet.
      #expect(r.status == 66)
      let rows = try TensorFile.read(
        Command.root.appendingPathComponent(Self.digits).path)
      let x = try #require(rows.first { $0.name == "test_x" })
      try TensorFile.write([(nil, x.value)], to: folder + "/x.npy")
      let done = try Command.run([
        "quantize", Self.fixtures + "digits_outliers.onnx", "-o", folder + "/small.onnx", "--mode",
        "static", "--calibration", Self.digits, "--test", "x=" + folder + "/x.npy", "--labels",
        Self.digits, "--target", "labels", "--max-drop", "0.01", "--json",
      ])
      #expect(done.status == 0, "\(done.error)")
      let figures = try json(done.output)
      let accuracy = try #require(figures["accuracy"] as? [String: Double])
      #expect(try #require(accuracy["before"]) - #require(accuracy["after"]) <= 0.01)
      #expect((figures["float_layers"] as? [Any])?.isEmpty == false)
    }
  }

  @Test func wrongUseWritesNothing() throws {
    try Command.inTemporaryFolder { folder in
      let output = folder + "/small.onnx"
      let wrong = folder + "/wrong.npy"
      try TensorFile.write(
        [(nil, try .init(shape: [2, 1, 8, 9], [Float](repeating: 0, count: 144)))], to: wrong)
      let nan = folder + "/nan.npy"
      try TensorFile.write(
        [(nil, try .init(shape: [2, 1, 8, 8], [Float](repeating: .nan, count: 128)))], to: nan)
      let once = folder + "/once.onnx"
      #expect(
        try Command.run(["quantize", Self.cnn, "-o", once, "--mode", "dynamic"]).status == 0)
      let forest = folder + "/none.npy"
      let cases: [([String], Int32, String)] = [
        ([Self.cnn, "--mode", "static", "--calibration", wrong], 65, "wrong shape"),
        ([Self.cnn, "--mode", "static", "--calibration", nan], 65, "NaN"),
        ([Self.cnn, "--mode", "static", "--calibration", forest], 66, "none.npy"),
        ([Self.cnn, "--mode", "static"], 64, "--calibration"),
        ([Self.cnn, "--mode", "dynamic", "--exclude", "/conv1/Con"], 64, "'/conv1/Conv'"),
        ([Self.cnn, "--mode", "half"], 64, "half"),
        (
          [Self.cnn, "--mode", "static", "--calibration", Self.digits, "--method", "max"], 64, "max"
        ),
        ([Self.cnn, "--mode", "dynamic", "--gptq", "--calibration", Self.digits], 64, "GPTQ"),
        ([Self.cnn, "--mode", "dynamic", "--max-drop", "0.1"], 64, "--max-drop"),
        ([Self.cnn, "--mode", "dynamic", "--block", "16"], 64, "--block"),
        ([Self.cnn, "--mode", "weights8", "--block", "24"], 64, "power of two"),
        ([once, "--mode", "dynamic"], 65, "already"),
        (["Models/iris.pb", "--mode", "static", "--calibration", "-"], 64, "once"),
        (["Models/none.onnx", "--mode", "dynamic"], 66, "none.onnx"),
        (
          [Self.cnn, "--mode", "static", "--calibration", Self.digits, "--target", "nothing"], 64,
          "'labels'"
        ),
      ]
      for (arguments, status, word) in cases {
        let r = try Command.run(["quantize", "-o", output] + arguments)
        #expect(r.status == status, "\(arguments): \(r.status) \(r.error)")
        #expect(r.error.contains(word), "\(arguments): \(r.error)")
        #expect(r.output.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: output), "\(arguments)")
      }
      let r = try Command.run([
        "quantize", Self.cnn, "-o", folder + "/no/such/folder.onnx", "--mode", "dynamic",
      ])
      #expect(r.status == 73, "\(r.error)")
    }
  }
}
