import Compiler
import Formats
import Graphs

/// What `dlrun optimize --list` prints: every pass with its text.
struct PassList {
  let json: Bool

  var text: String {
    let passes = Optimizer.passes
    if json {
      let list = passes.map { pass -> JSONValue in
        [
          "name": .string(pass.name), "level": .string("\(pass.level)"),
          "stage": .string("\(pass.stage)"), "looks_for": .string(pass.about.looksFor),
          "makes": .string(pass.about.makes), "why": .string(pass.about.why),
        ]
      }
      return JSONWriter.string(of: .array(list), pretty: true)
    }
    return passes.map { pass in
      "\(Terminal.bold(pass.name))  level \(pass.level), stage \(pass.stage)\n"
        + Self.paragraph("looks for", pass.about.looksFor)
        + Self.paragraph("makes", pass.about.makes) + Self.paragraph("why", pass.about.why)
    }.joined(separator: "\n")
  }

  /// Words in lines of at most 98 columns, indented behind a title.
  private static func paragraph(_ title: String, _ words: String) -> String {
    let indent = String(repeating: " ", count: 13)
    var lines: [String] = []
    var line = "  " + title + String(repeating: " ", count: 11 - title.count)
    var isEmpty = true
    for word in words.split(separator: " ") {
      if !isEmpty, line.count + 1 + word.count > 98 {
        lines.append(line)
        line = indent
        isEmpty = true
      }
      line += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    lines.append(line)
    return lines.joined(separator: "\n") + "\n"
  }
}
