/// Which tensor of a file belongs to which weight of a model, by names.
///
/// Names match exactly; else where one ends with the other, at a dot or slash, and no other does.
struct WeightNames {
  /// For each weight of the model, by name, the name in the file.
  private(set) var matches: [String: String] = [:]
  /// Weights of the model that several names of the file would fit.
  private(set) var ambiguous: [String: [String]] = [:]

  init(model: [String], file: [String]) {
    let exact = Set(file)
    for name in model where exact.contains(name) { matches[name] = name }
    let taken = Set(matches.values)
    var byEnd: [Substring: [String]] = [:]
    for name in file where !taken.contains(name) { byEnd[Self.end(name), default: []].append(name) }
    var claims: [String: [String]] = [:]
    for name in model where matches[name] == nil {
      let candidates = (byEnd[Self.end(name)] ?? []).filter { Self.fit($0, name) }
      for candidate in candidates { claims[candidate, default: []].append(name) }
      if candidates.count > 1 { ambiguous[name] = candidates }
    }
    for (candidate, names) in claims where names.count == 1 {
      if let name = names.first, ambiguous[name] == nil { matches[name] = candidate }
    }
    for (candidate, names) in claims where names.count > 1 {
      for name in names where ambiguous[name] == nil && matches[name] == nil {
        ambiguous[name] = [candidate]
      }
    }
  }

  private static func isBreak(_ c: Character) -> Bool { c == "." || c == "/" }

  private static func end(_ name: String) -> Substring {
    guard let place = name.lastIndex(where: isBreak) else { return name[...] }
    return name[name.index(after: place)...]
  }

  /// Whether the longer name ends with the shorter at the beginning of a part.
  private static func fit(_ a: String, _ b: String) -> Bool {
    let (long, short) = a.utf8.count >= b.utf8.count ? (a, b) : (b, a)
    guard long.utf8.count > short.utf8.count else { return false }
    let tail = long.utf8.suffix(short.utf8.count)
    let before = long.utf8[long.utf8.index(before: tail.startIndex)]
    guard before == 0x2E || before == 0x2F else { return false }
    return zip(tail, short.utf8).allSatisfy { $0 == $1 || (isBreak($0) && isBreak($1)) }
  }
  private static func isBreak(_ c: UInt8) -> Bool { c == 0x2E || c == 0x2F }
}
