import Foundation

/// The files of this repository, found from where this source was compiled.
enum Repository {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  struct File: Sendable, CustomStringConvertible {
    /// From the root, with `/`.
    let path: String
    let text: String

    var description: String { path }
    var name: String {
      String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
    }
    var stem: String { String(name.prefix { $0 != "." }) }
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }
    /// The target: `Sources/<module>/...`.
    var module: String { String(path.split(separator: "/").dropFirst().first ?? "") }
    /// How it ends, without the dot.
    var kind: String { name.contains(".") ? String(name.split(separator: ".").last ?? "") : "" }
    var lineCount: Int { text.utf8.count { $0 == UInt8(ascii: "\n") } }
    var isGenerated: Bool { name.contains(".pb-c.") }
  }

  /// Every text file of the folders and single files that we write by hand.
  static let files: [File] = {
    var found: [File] = []
    for top in ["Sources", "Tests", "Models", "tools", ".ci"] {
      found += list(top)
    }
    for name in ["Package.swift", "README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"] {
      if let file = read(name) { found.append(file) }
    }
    return found.sorted { $0.path < $1.path }
  }()

  static var swift: [File] { files.filter { $0.kind == "swift" } }
  static var c: [File] { files.filter { ["c", "h", "inc"].contains($0.kind) } }

  static func file(_ path: String) -> File? { files.first { $0.path == path } }

  private static func list(_ top: String) -> [File] {
    let folder = root.appending(path: top)
    guard let walk = FileManager.default.enumerator(atPath: folder.path) else { return [] }
    var found: [File] = []
    while let part = walk.nextObject() as? String {
      if part.contains("__pycache__") || part.contains(".build/") { continue }
      if let file = read(top + "/" + part) { found.append(file) }
    }
    return found
  }

  private static func read(_ path: String) -> File? {
    guard let data = try? Data(contentsOf: root.appending(path: path)),
      let text = String(data: data, encoding: .utf8)
    else { return nil }
    return File(path: path, text: text)
  }

  /// Runs a program of the PATH in the root. Returns its status and all that it printed, or nil
  /// where there is no such program.
  static func run(_ program: String, _ arguments: [String]) throws -> (
    status: Int32, output: String
  )? {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.currentDirectoryURL = root
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    if process.terminationStatus == 127 { return nil }
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
