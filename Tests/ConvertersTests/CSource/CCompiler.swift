import Converters
import Foundation
import Graphs
import Runtime
import Tensors

/// Compiles C source that a model became, and runs it.
struct CCompiler {
  let path: String

  /// The compiler that comes with Swift; nil where there is none.
  static let found: CCompiler? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for folder in folders + ["/usr/bin", "/opt/swift/usr/bin"] {
      let path = "\(folder)/clang"
      if FileManager.default.isExecutableFile(atPath: path) { return CCompiler(path: path) }
    }
    return nil
  }()

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  @discardableResult
  private func launch(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(
      decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(program) ended with \(process.terminationStatus): \(text)")
    }
    return text
  }

  /// A model and what it is given.
  struct Case {
    let model: ModelGraph
    let inputs: [Tensor]
  }

  /// The outputs of models, as C under the sanitizers computes them: one program for all.
  func run(_ cases: [Case]) throws -> [[Tensor]] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("dlrun-c-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func write(_ bytes: [UInt8], _ name: String) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    var types: [[TensorType]] = []
    var includes = ""
    for (i, one) in cases.enumerated() {
      let files = try CSource.files(one.model, name: "net\(i)", headerName: "net\(i).h")
      try write(files.source, "net\(i).c")
      try write(files.header, "net\(i).h")
      types.append(try outputTypes(one))
      includes += "#include \"net\(i).c\"\n"
      for (k, tensor) in one.inputs.enumerated() {
        try write(Array(tensor.rawBytes), "in_\(i)_\(k)")
      }
    }
    try write(Array((includes + main(cases, types)).utf8), "main.c")
    try launch(
      path,
      [
        "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1",
        "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", folder + "/net",
        folder + "/main.c", "-lm",
      ])
    try launch(folder + "/net", [folder])
    return try types.enumerated().map { i, list in
      try list.enumerated().map { k, type in
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out_\(i)_\(k)"))
        return try Tensor(type) { out in data.withUnsafeBytes { out.copyMemory(from: $0) } }
      }
    }
  }

  private func outputTypes(_ one: Case) throws -> [TensorType] {
    let session = try Session(one.model, options: .init(threads: 1))
    var values: [String: Tensor] = [:]
    for (port, tensor) in zip(session.inputs, one.inputs) { values[port.name] = tensor }
    let results = try session.run(values)
    return try (0..<results.count).map { i in
      guard let tensor = results[i] else { throw Failure(description: "no tensor") }
      return tensor.type
    }
  }

  private func cType(_ dtype: DType) -> String {
    switch dtype {
    case .float32: "float"
    case .float64: "double"
    case .bool: "uint8_t"
    default: "\(dtype)_t"
    }
  }

  private func main(_ cases: [Case], _ types: [[TensorType]]) -> String {
    var text = """
      #include <stdio.h>
      static int file(const char *folder, const char *name, void *data, size_t n, int reads)
      {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *f = fopen(path, reads ? "rb" : "wb");
        if (!f) return 1;
        size_t done = reads ? fread(data, 1, n, f) : fwrite(data, 1, n, f);
        return fclose(f) || done != n;
      }

      """
    var calls = ""
    for (i, one) in cases.enumerated() {
      var arguments: [String] = []
      var before = ""
      var after = ""
      for (k, t) in one.inputs.enumerated() {
        text += "static \(cType(t.dtype)) in_\(i)_\(k)[\(max(t.count, 1))];\n"
        before += "  bad |= file(argv[1], \"in_\(i)_\(k)\", in_\(i)_\(k), \(t.byteCount), 1);\n"
        arguments.append("in_\(i)_\(k)")
      }
      for (k, t) in types[i].enumerated() {
        text += "static \(cType(t.dtype)) out_\(i)_\(k)[\(max(t.count, 1))];\n"
        after += "  bad |= file(argv[1], \"out_\(i)_\(k)\", out_\(i)_\(k), \(t.byteCount), 0);\n"
        arguments.append("out_\(i)_\(k)")
      }
      calls += before + "  if (!bad) net\(i)_run(\(arguments.joined(separator: ", ")));\n" + after
    }
    return text + "int main(int argc, char **argv)\n{\n  int bad = argc < 2;\n" + calls
      + "  return bad;\n}\n"
  }
}
