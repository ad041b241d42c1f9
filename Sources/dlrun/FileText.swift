import Formats
import Glibc
import Tensors

/// Writes `text` to `path` in one go; `-` is standard output.
///
/// Errors: `.cannotCreate`, `.io`.
func writeFile(_ text: String, to path: String) throws(EngineError) {
  if path == "-" {
    var output = FileSink(descriptor: 1, path: "standard output")
    try output.write(Array(text.utf8))
    try output.flush()
  } else {
    let file = try AtomicFile(path)
    try file.write(Array(text.utf8))
    try file.commit()
  }
}

/// The bytes of a small file.
///
/// Errors: `.inputMissing`, `.io`, `.budget` over 64 MiB.
func readFile(_ path: String) throws(EngineError) -> [UInt8] {
  try InputFile(path, limit: 64 << 20).contents
}

/// `text` as a JSON string.
func jsonString(_ text: String) -> String {
  var out = "\""
  for c in text.unicodeScalars {
    switch c {
    case "\"": out += "\\\""
    case "\\": out += "\\\\"
    case "\n": out += "\\n"
    case _ where c.value < 0x20:
      let hex = String(c.value, radix: 16)
      out += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
    default: out.unicodeScalars.append(c)
    }
  }
  return out + "\""
}

/// A JSON number; a string for what JSON has no number for.
func jsonNumber(_ value: Double) -> String { value.isFinite ? "\(value)" : "\"\(value)\"" }
