import Converters
import Formats
import Tensors

/// The report of weights written to a file.
struct WeightText {
  let weights: WeightCollection
  let input: String
  let output: String

  private var bytes: Int { weights.tensors.reduce(0) { $0 + $1.value.byteCount } }
  private var elements: Int { weights.tensors.reduce(0) { $0 + $1.value.count } }

  func text(json: Bool) -> String {
    if json {
      var metadata = JSONObject()
      for (key, value) in weights.metadata { metadata.append(key, .string(value)) }
      return JSONWriter.string(
        of: [
          "input": .string(input), "output": .string(output),
          "tensors": .int(Int64(weights.tensors.count)), "elements": .int(Int64(elements)),
          "bytes": .int(Int64(bytes)),
          "metadata": .object(metadata),
        ], pretty: true)
    }
    var lines = [
      Terminal.bold(output) + " from \(input)",
      "weights  \(grouped(weights.tensors.count)) tensors, \(grouped(elements)) elements, "
        + "\(grouped(bytes)) bytes",
    ]
    for (key, value) in weights.metadata {
      let line = value.split(separator: "\n").first.map(String.init) ?? ""
      lines.append("\(key): " + (line.count > 80 ? line.prefix(77) + "..." : line[...]))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
