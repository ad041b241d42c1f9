import Foundation
import Testing

/// The types that a family's list names.
func familyList(_ text: String) -> [String] {
  let bare = Code.bare(text)
  guard let list = bare.range(of: "static let operators: [any Operator.Type] = [") else {
    return []
  }
  let inside = bare[list.upperBound...].prefix { $0 != "]" }
  return inside.split(whereSeparator: { $0 == "," || $0 == "\n" || $0 == " " })
    .filter { $0.hasSuffix(".self") }.map { String($0.dropLast(5)) }
}

/// One operator, one file, one name, one list.
@Suite struct OperatorFileTests {
  static let base = "Sources/Operators/"
  /// Folders that are not families.
  static let helpers: Set<String> = ["Support"]

  static var byFamily: [String: [Repository.File]] {
    let files = Repository.swift.filter {
      $0.path.hasPrefix(base) && $0.path.split(separator: "/").count > 3
    }
    let families = Dictionary(grouping: files) { String($0.path.split(separator: "/")[2]) }
    return families.filter { !helpers.contains($0.key) }
  }

  @Test func everyFamilyHasAList() {
    #expect(!Self.byFamily.isEmpty)
    let registry = Repository.file(Self.base + "Registry.swift")?.text ?? ""
    for family in Self.byFamily.keys {
      #expect(
        Repository.file("\(Self.base)\(family)/\(family).swift") != nil,
        "family \(family) has no \(family).swift with its list of operators")
      #expect(
        registry.contains("\(family).operators"), "Registry.swift does not name family \(family)")
    }
  }

  @Test func listsAndFilesAgree() {
    for (family, files) in Self.byFamily {
      guard let head = files.first(where: { $0.stem == family }) else { continue }
      let listed = familyList(head.text)
      #expect(Set(listed).count == listed.count, "\(head) lists an operator twice")
      let stems = Set(files.map(\.stem))
      for name in listed where !stems.contains(name) {
        Issue.record("\(head) lists \(name), but there is no \(Self.base)\(family)/\(name).swift")
      }
      for file in files where file.stem != family {
        let declared = operatorTypes(file)
        if declared.isEmpty {
          #expect(!listed.contains(file.stem), "\(file) is listed but declares no schema")
          continue
        }
        #expect(
          declared == [file.stem],
          "\(file) declares \(declared.joined(separator: ", ")), expected \(file.stem) alone")
        #expect(
          listed.contains(file.stem), "\(file) declares an operator that \(head) does not list")
      }
    }
  }

  @Test func registryKeysAreFileNames() {
    for (family, files) in Self.byFamily {
      for file in files where file.stem != family && !operatorTypes(file).isEmpty {
        guard let key = schemaName(file.text) else { continue }
        // `Op` is added to what is already the name of another type, as in ShapeOp; `Contrib`
        // goes before what com.microsoft names like an operator of ONNX, as in ContribGelu.
        #expect(
          [key, key + "Op", "Contrib" + key].contains(file.stem),
          "\(file) has the registry key \"\(key)\", expected \"\(file.stem)\"")
      }
    }
  }

  /// The types of a file that have a schema, by the declaration that stands before it.
  private func operatorTypes(_ file: Repository.File) -> [String] {
    var types: [String] = []
    var current: String?
    for line in Code.bare(file.text).split(separator: "\n") {
      let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
      if let at = words.firstIndex(where: { $0 == "struct" || $0 == "enum" || $0 == "class" }),
        at + 1 < words.count, line.first != " "
      {
        current = String(words[at + 1])
      }
      if line.contains("static let schema"), let name = current { types.append(name) }
    }
    return types
  }

  /// The first string literal of `static let schema = ...`.
  private func schemaName(_ text: String) -> String? {
    guard let start = text.range(of: "static let schema") else { return nil }
    let parts = text[start.upperBound...].split(
      separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 3 ? String(parts[1]) : nil
  }
}
