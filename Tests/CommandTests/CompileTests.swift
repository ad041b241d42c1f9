import Foundation
import Testing

@Suite struct CompileTests {
  @Test func compiledModelsRunEverywhere() throws {
    try Command.inTemporaryFolder { folder in
      let dlc = folder + "/digits.bin"
      let made = try Command.run(["compile", "Models/digits.onnx", "-o", dlc, "--fast", "--json"])
      #expect(made.status == 0, "\(made.error)")
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(made.output.utf8)) as? [String: Any])
      #expect(object["file_bytes"] as? Int ?? 0 > 4096 && object["instruction_set"] is String)
      let plain = try Command.run(["infer", "Models/digits.onnx", "Models/digits.csv"])
      let compiled = try Command.run(["infer", dlc, "Models/digits.csv"])
      #expect(compiled.status == 0 && compiled.output == plain.output, "\(compiled.error)")
      for arguments in [
        ["inspect", dlc], ["check", dlc], ["bench", dlc, "--runs", "2"],
        ["compare", "Models/digits.onnx", dlc],
      ] {
        let r = try Command.run(arguments)
        #expect(r.status == 0, "\(arguments): \(r.output)\(r.error)")
      }
      let small = try Command.run(["compile", "Models/digits.onnx", "-o", dlc + ".small"])
      #expect(small.status == 0, "\(small.error)")
      let sizes = try ["", ".small"].map { try Data(contentsOf: URL(filePath: dlc + $0)).count }
      #expect(sizes[1] <= sizes[0])
      let near = try Command.run(["compare", "Models/digits.onnx", dlc + ".small"])
      #expect(near.status == 0, "\(near.output)\(near.error)")
      #expect(try Command.run(["inspect", dlc + ".small"]).output.contains("compact"))
      let text = try Command.run(["inspect", dlc]).output
      #expect(text.contains("compiled for") && text.contains("digits.onnx"))
    }
  }

  @Test func damageIsReported() throws {
    try Command.inTemporaryFolder { folder in
      let dlc = folder + "/digits.dlc"
      #expect(try Command.run(["compile", "Models/digits.onnx", "-o", dlc]).status == 0)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: dlc))
      bytes[4100] ^= 1
      try bytes.write(to: URL(fileURLWithPath: dlc))
      let check = try Command.run(["check", dlc])
      #expect(check.status == 65 && check.error.contains("damaged"), "\(check.error)")
      try bytes.dropLast(1).write(to: URL(fileURLWithPath: dlc))
      let run = try Command.run(["infer", dlc, "Models/digits.csv"])
      #expect(run.status == 65 && run.error.contains("cut off"), "\(run.error)")
    }
  }

  @Test func anotherInstructionSetIsRefused() throws {
    try Command.inTemporaryFolder { folder in
      let dlc = folder + "/digits.dlc"
      let made = try Command.run(
        ["compile", "Models/digits.onnx", "-o", dlc], environment: ["DLRUN_ISA": "scalar"])
      #expect(made.status == 0, "\(made.error)")
      let same = try Command.run(
        ["infer", dlc, "Models/digits.csv"], environment: ["DLRUN_ISA": "scalar"])
      #expect(same.status == 0, "\(same.error)")
      let other = try Command.run(
        ["infer", dlc, "Models/digits.csv"], environment: ["DLRUN_ISA": "avx2"])
      // A machine without AVX2 stays with the scalar set.
      if other.status != 0 {
        #expect(other.status == 69 && other.error.contains("scalar"), "\(other.error)")
      }
    }
  }

  @Test func mistakesAreExplained() throws {
    try Command.inTemporaryFolder { folder in
      let out = folder + "/out.dlc"
      let (model, none) = ("Models/iris.pb", "/no/such/folder/x.dlc")
      let cases: [([String], Int32, String)] = [
        (["compile", model], 64, "--output"),
        (["compile", "no.onnx", "-o", out], 66, "no.onnx"),
        (["compile", "Models/iris.csv", "-o", out], 65, "iris.csv"),
        (["compile", model, "-o", none], 73, "x.dlc"),
        (["compile", model, "-o", out, "--shape", "no=1x4"], 64, "no"),
        (["compile", model, "-o", out, "--shape", "1x4", "--shape", "features=1x4"], 64, "twice"),
        (["compile", model, "-o", out, "--shape", "features=1x5"], 65, "features"),
      ]
      for (arguments, status, word) in cases {
        let r = try Command.run(arguments)
        #expect(r.status == status && r.error.contains(word), "\(arguments): \(r.error)")
      }
      #expect(!FileManager.default.fileExists(atPath: out))
    }
  }
}
