import Testing

/// Imports go one way: down the table of modules in ARCHITECTURE.md.
@Suite struct ImportTests {
  static let table = ModuleTable(Repository.file("ARCHITECTURE.md")?.text ?? "")
  /// The C library and the standard library's own modules, for everybody.
  static let system: Set<String> = ["Glibc", "Synchronization"]
  static let foundation: Set<String> = ["Foundation", "FoundationEssentials"]
  /// Modules that keep Foundation out, so that programs start fast and link small.
  static let core: Set<String> = [
    "Tensors", "Kernels", "Graphs", "Operators", "Formats", "Compiler", "Runtime", "DLRun",
  ]

  @Test func tableIsOrdered() {
    #expect(Self.table.modules.count >= 10, "no table of modules in ARCHITECTURE.md")
    var above: Set<String> = []
    for module in Self.table.modules {
      for used in Self.table.imports[module] ?? [] where Self.table.modules.contains(used) {
        #expect(
          above.contains(used), "the table lets \(module) import \(used), which stands below it")
      }
      above.insert(module)
    }
  }

  @Test func tableAndPackageAgree() {
    let targets = packageTargets(Repository.file("Package.swift")?.text ?? "")
    for (module, used) in targets
    where !module.hasSuffix("Tests") && !["TestSupport", "CAllocationCounter"].contains(module) {
      let expected = Self.table.imports[module]
      #expect(expected != nil, "ARCHITECTURE.md does not list the module \(module)")
      #expect(
        Set(expected ?? []) == Set(used),
        """
        Package.swift and ARCHITECTURE.md differ on what \(module) imports: \
        \(used.sorted()), \((expected ?? []).sorted())
        """)
    }
    for module in Self.table.modules where targets[module] == nil {
      Issue.record("ARCHITECTURE.md lists \(module), which Package.swift lacks")
    }
  }

  @Test func sourcesImportWhatTheTableAllows() {
    for file in Repository.swift where file.path.hasPrefix("Sources/") {
      let allowed = Set(Self.table.imports[file.module] ?? []).union(Self.system)
      for used in Code.imports(file.text) where !Self.foundation.contains(used) {
        #expect(
          allowed.contains(used),
          "\(file) imports \(used); ARCHITECTURE.md lets \(file.module) import \(allowed.sorted())")
      }
    }
  }

  @Test func coreHasNoFoundation() {
    for file in Repository.swift
    where file.path.hasPrefix("Sources/") && Self.core.contains(file.module) {
      for used in Code.imports(file.text) where Self.foundation.contains(used) {
        Issue.record("\(file) imports \(used); \(file.module) does without it, use Glibc")
      }
    }
  }
}
