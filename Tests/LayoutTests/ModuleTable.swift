import Foundation

/// The table of modules in ARCHITECTURE.md: the columns are module, holds, imports, and more.
struct ModuleTable {
  private(set) var modules: [String] = []
  private(set) var imports: [String: [String]] = [:]

  init(_ text: String) {
    var inside = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("|") else {
        inside = false
        continue
      }
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst()
      guard let first = cells.first else { continue }
      if first.trimmed == "module" {
        inside = true
        continue
      }
      guard inside, cells.count >= 3, !first.hasPrefix("---") else { continue }
      let used = Self.names(cells[cells.startIndex + 2])
      for name in Self.names(first) {
        modules.append(name)
        imports[name] = used
      }
    }
  }

  /// What stands between backticks.
  private static func names(_ cell: Substring) -> [String] {
    let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
    return parts.indices.filter { $0 % 2 == 1 }.map { String(parts[$0]) }
  }
}

/// The targets of a package manifest and the names they depend on.
func packageTargets(_ manifest: String) -> [String: [String]] {
  var targets: [String: [String]] = [:]
  let starts = [".target(", ".executableTarget(", ".testTarget(", ".systemLibrary("]
  var blocks: [Substring] = []
  var rest = manifest[...]
  while let next = starts.compactMap({ rest.range(of: $0) }).min(by: {
    $0.lowerBound < $1.lowerBound
  }) {
    let after = rest[next.upperBound...]
    let end = starts.compactMap { after.range(of: $0)?.lowerBound }.min() ?? after.endIndex
    blocks.append(after[..<end])
    rest = after[end...]
  }
  for block in blocks {
    let quoted = block.split(separator: "\"", omittingEmptySubsequences: false)
    guard quoted.count > 1 else { continue }
    var used: [String] = []
    if let list = block.range(of: "dependencies: [") {
      let inside = block[list.upperBound...].prefix { $0 != "]" }
      for line in inside.split(whereSeparator: { $0 == "," || $0 == "\n" }) {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        if parts.count > 1 && !line.contains("package:") { used.append(String(parts[1])) }
      }
    }
    targets[String(quoted[1])] = used
  }
  return targets
}
