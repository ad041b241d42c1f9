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

  /// The outputs of `model`, as C under the sanitizers computes them.
  func run(_ model: ModelGraph, _ inputs: [Tensor]) throws -> [Tensor] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("dlrun-c-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let files = try CSource.files(model, name: "net", headerName: "net.h")
    try Data(files.source).write(to: URL(fileURLWithPath: folder + "/net.c"))
    try Data(files.header).write(to: URL(fileURLWithPath: folder + "/net.h"))
    let session = try Session(model)
    let types = try outputTypes(session, inputs)
    try Data(main(inputs, types).utf8).write(to: URL(fileURLWithPath: folder + "/main.c"))
    for (i, tensor) in inputs.enumerated() {
      try Data(Array(tensor.rawBytes)).write(to: URL(fileURLWithPath: "\(folder)/in\(i)"))
    }
    try launch(
      path,
      [
        "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1",
        "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", folder + "/net",
        folder + "/net.c", folder + "/main.c", "-lm",
      ])
    try launch(folder + "/net", [folder])
    return try types.enumerated().map { i, type in
      let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out\(i)"))
      return try Tensor(type) { out in data.withUnsafeBytes { out.copyMemory(from: $0) } }
    }
  }

  private func outputTypes(_ session: Session, _ inputs: [Tensor]) throws -> [TensorType] {
    var values: [String: Tensor] = [:]
    for (port, tensor) in zip(session.inputs, inputs) { values[port.name] = tensor }
    let results = try session.run(values)
    return try (0..<results.count).map { i in
      guard let tensor = results[i] else { throw Failure(description: "no tensor") }
      return tensor.type
    }
  }

  private func main(_ inputs: [Tensor], _ outputs: [TensorType]) -> String {
    func type(_ dtype: DType) -> String {
      switch dtype {
      case .float32: "float"
      case .float64: "double"
      case .bool: "uint8_t"
      default: "\(dtype)_t"
      }
    }
    var text = "#include \"net.h\"\n#include <stdio.h>\n"
    for (i, t) in inputs.enumerated() {
      text += "static \(type(t.dtype)) in\(i)[\(max(t.count, 1))];\n"
    }
    for (i, t) in outputs.enumerated() {
      text += "static \(type(t.dtype)) out\(i)[\(max(t.count, 1))];\n"
    }
    text += """
      static int file(const char *folder, const char *name, void *data, size_t n, int reads)
      {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *f = fopen(path, reads ? "rb" : "wb");
        if (!f) return 1;
        size_t done = reads ? fread(data, 1, n, f) : fwrite(data, 1, n, f);
        return fclose(f) || done != n;
      }
      int main(int argc, char **argv)
      {
        int bad = argc < 2;

      """
    for (i, t) in inputs.enumerated() {
      text += "  bad |= file(argv[1], \"in\(i)\", in\(i), \(t.byteCount), 1);\n"
    }
    let names =
      inputs.indices.map { "in\($0)" } + outputs.indices.map { "out\($0)" }
    text += "  if (!bad) net_run(\(names.joined(separator: ", ")));\n"
    for (i, t) in outputs.enumerated() {
      text += "  bad |= file(argv[1], \"out\(i)\", out\(i), \(t.byteCount), 0);\n"
    }
    return text + "  return bad;\n}\n"
  }
}
