import Foundation
import Testing

@Suite struct ConvertTests {
  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path, relativeTo: Command.root))
  }

  @Test func whereNothingIsAskedTheFileIsCopied() throws {
    try Command.inTemporaryFolder { folder in
      for model in ["Models/iris.pb", "Models/digits.onnx"] {
        let r = try Command.run(["convert", model, "-o", folder + "/copy.onnx"])
        #expect(r.status == 0 && r.error.isEmpty, "\(r.error)")
        #expect(try bytes(folder + "/copy.onnx") == bytes(model))
      }
    }
  }

  @Test func changesGoTogetherAndAreStamped() throws {
    try Command.inTemporaryFolder { folder in
      let made = folder + "/made.onnx"
      let r = try Command.run([
        "convert", "Models/digits.onnx", "-o", made, "--opset", "13", "--shape", "7x64",
        "--rename", "pixels=image", "--dtype", "float16", "--json",
      ])
      #expect(r.status == 0 && r.error.isEmpty, "\(r.error)")
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(r.output.utf8)) as? [String: Any])
      #expect(report["opset"] as? Int == 13 && report["kind"] as? String == "onnx")
      let text = try Command.run(["inspect", made]).output
      #expect(text.contains("image  float32[7, 64]") && text.contains("dlrun.source_sha256"))
      #expect(try Command.run(["check", made]).status == 0)
    }
  }

  @Test func theResultIsRunOnGivenArrays() throws {
    try Command.inTemporaryFolder { folder in
      let (made, arrays) = (folder + "/made.onnx", folder + "/io.npz")
      _ = try Command.run([
        "infer", "Models/digits.onnx", "Models/digits.npz", "-o", folder + "/o.npz",
      ])
      // Inputs by name, so the model's own output file does not serve: in_0 and out_0 are missing.
      let r = try Command.run([
        "convert", "Models/digits.onnx", "-o", made, "--opset", "15", "--check", folder + "/o.npz",
      ])
      #expect(r.status == 64 && r.error.contains("no array for input 'pixels'"))
      #expect(!FileManager.default.fileExists(atPath: arrays))
    }
  }

  @Test func weightsAloneComeOut() throws {
    try Command.inTemporaryFolder { folder in
      let (a, b) = (folder + "/w.safetensors", folder + "/w.npz")
      #expect(try Command.run(["convert", "Models/digits.onnx", "-o", a]).status == 0)
      let r = try Command.run(["convert", a, "-o", b])
      #expect(r.status == 0 && r.output.contains("tensors"), "\(r.error)")
      #expect(try Command.run(["convert", b, "-o", folder + "/x.onnx"]).status == 69)
    }
  }

  @Test func cSourceComesWithItsHeader() throws {
    try Command.inTemporaryFolder { folder in
      let r = try Command.run([
        "convert", "Models/iris.pb", "-o", folder + "/iris.c", "--shape", "1x4", "--name", "flower",
      ])
      #expect(r.status == 0, "\(r.error)")
      let header = String(decoding: try bytes(folder + "/iris.h"), as: UTF8.self)
      #expect(header.contains("void flower_run(const float *features"))
      #expect(header.contains("#define FLOWER_ARENA_BYTES"))
      #expect(try Command.run(["convert", "Models/iris.pb", "-o", folder + "/i.c"]).status == 64)
      let strings = try Command.run([
        "convert", "Models/homes.onnx", "-o", folder + "/h.c", "--shape", "numbers=1x3", "--shape",
        "texts=1x3",
      ])
      #expect(strings.status == 69 && strings.error.contains("string"))
    }
  }

  @Test func wrongUseIsTold() throws {
    func error(_ arguments: [String]) throws -> (Int32, String) {
      let r = try Command.run(["convert"] + arguments)
      return (r.status, r.error)
    }
    let model = "Models/iris.pb"
    for (arguments, text) in [
      ([model], "with -o"), ([model, "-o", "/tmp/x.foo"], "cannot be told from the name"),
      ([model, "-o", "/tmp/x.onnx", "--io"], "--io goes with --dtype"),
      ([model, "-o", "/tmp/x.onnx", "--rename", "features"], "--rename"),
      ([model, "-o", "/tmp/x.onnx", "--rename", "feature=x"], "'features'"),
      ([model, "-o", "/tmp/x.onnx", "--dtype", "int8"], "int8"),
      ([model, "-o", "/tmp/x.onnx", "--opset", "99"], "1 to 28"),
      ([model, "-o", "/tmp/x.onnx", "--external-data", "--no-external-data"], "already been set"),
      ([model, "-o", "/tmp/x.onnx", "--external-threshold", "1KiB"], "goes with --external-data"),
      ([model, "-o", "/tmp/x.npz", "--check", "Models/digits.npz"], "--check"),
      ([model, "-o", "/tmp/x.onnx", "--name", "a"], "--name"),
      (["--list", "caffe"], "nothing is converted from 'caffe'"),
    ] {
      let (status, message) = try error(arguments)
      #expect(status == 64 && message.contains(text), "\(arguments): \(status) \(message)")
    }
    #expect(try error(["/nowhere.onnx", "-o", "/tmp/x.onnx"]).0 == 66)
    #expect(try Command.run(["convert", "--list", "c"]).output.contains("Conv"))
    #expect(try Command.run(["convert", "--list", "onnx", "--json"]).status == 0)
  }
}
